import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import Action, Agent, Detail, Entry, Outcome, Recorded
from domain.audit_seals import Anchor, Checkpoint, Finding, Flaw, Seal, chained, flaws_of, flaws_of_details, framed
from domain.origin import Origin
from domain.session import SessionId
from domain.user import UserId

AT = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
USER, OTHER = UserId(UUID(int=2)), UserId(UUID(int=3))
LOGIN = Entry(
    id=1,
    position=700,
    at=AT,
    action=Action.LOGIN,
    outcome=Outcome.DONE,
    by=Agent.USER,
    client=None,
    user_id=USER,
    session_id=SessionId(UUID(int=1)),
    target=None,
    times=1,
    detail_digest=bytes(32),
)

entries = st.lists(
    st.builds(
        Entry,
        id=st.integers(1, 10**9),
        position=st.integers(0, 10**12),
        at=st.datetimes(timezones=st.just(UTC)),
        action=st.sampled_from(Action),
        outcome=st.sampled_from(Outcome),
        by=st.sampled_from(Agent),
        client=st.none() | st.text(max_size=8),
        user_id=st.none() | st.uuids().map(UserId),
        session_id=st.none() | st.uuids().map(SessionId),
        target=st.none() | st.text(max_size=8),
        times=st.integers(1, 100),
        detail_digest=st.none() | st.binary(min_size=32, max_size=32),
    ),
    min_size=1,
    max_size=6,
)


def _sealed(run: Sequence[Entry], before: Anchor | None = None) -> Seal:
    return Seal.over(run, before=before or Anchor(), era=0, upto=10**13, at=AT)


def test_fields_are_framed_by_their_length_and_absence_is_told_from_emptiness() -> None:
    assert framed("a", b"bc", 12, None, "") == (
        b"\x00\x00\x00\x01a\x00\x00\x00\x02bc\x00\x00\x00\x0212\xff\xff\xff\xff\x00\x00\x00\x00"
    )
    assert framed(AT.astimezone(timezone(timedelta(hours=5)))) == b"\x00\x00\x00\x1b2026-11-24T12:00:00.250000Z"


def test_the_digest_of_an_entry_is_the_one_that_is_written_down() -> None:
    written = b"".join(
        len(field).to_bytes(4, "big") + field if field is not None else b"\xff\xff\xff\xff"
        for field in (
            b"portunus/audit/v1/entry",
            b"",
            b"1",
            b"2026-11-24T12:00:00.250000Z",
            b"login",
            b"done",
            b"user",
            None,
            b"00000000-0000-0000-0000-000000000002",
            b"00000000-0000-0000-0000-000000000001",
            None,
            b"1",
            bytes(32),
        )
    )

    digest = chained(b"", [LOGIN])

    assert digest == hashlib.sha256(written).digest()
    assert digest.hex() == "aa607c78a457e57f2c287d1589b6bfb0bb21e8866f2a87f6c7f332fb481c7507"
    assert _sealed([LOGIN]).link.hex() == "5d3bb2f64353132f381c236d8745ed5b97efd48224145b0ecfba6e63367b6b98"


def test_the_message_of_a_checkpoint_says_all_that_it_stands_for() -> None:
    checkpoint = Checkpoint(anchor=_sealed([LOGIN]).anchor(Anchor()), pruned_at=AT)
    others = (
        replace(checkpoint, pruned_at=AT + timedelta(microseconds=1)),
        *(
            replace(checkpoint, anchor=replace(checkpoint.anchor, **{name: 5}))  # type: ignore[arg-type]  # all are numbers
            for name in ("ordinal", "era", "upto", "last_id", "entries")
        ),
        replace(checkpoint, anchor=replace(checkpoint.anchor, link=b"other")),
    )

    assert len({checkpoint.message, *(other.message for other in others)}) == len(others) + 1


@given(entries)
def test_what_is_as_it_was_sealed_has_no_flaw(run: list[Entry]) -> None:
    assert flaws_of(_sealed(run), run, before=Anchor()) == []


@given(entries, st.data())
def test_an_entry_that_is_altered_in_any_field_is_found(run: list[Entry], data: st.DataObject) -> None:
    seal = _sealed(run)
    other = data.draw(entries.filter(lambda drawn: replace(drawn[0], position=run[0].position) != run[0]))[0]
    names = [name for name in Entry.__slots__ if name != "position" and getattr(other, name) != getattr(run[0], name)]
    name = data.draw(st.sampled_from(names))

    altered = [replace(run[0], **{name: getattr(other, name)}), *run[1:]]

    assert [one.flaw for one in flaws_of(seal, altered, before=Anchor())] == [Flaw.ENTRIES_ALTERED]


@given(entries, st.data())
def test_an_entry_that_is_removed_or_added_is_found(run: list[Entry], data: st.DataObject) -> None:
    seal = _sealed(run)
    place = data.draw(st.integers(0, len(run) - 1))

    fewer = flaws_of(seal, run[:place] + run[place + 1 :], before=Anchor())
    more = flaws_of(seal, [*run[:place], LOGIN, *run[place:]], before=Anchor())

    assert [one.flaw for one in fewer] == [Flaw.ENTRIES_MISSING]
    assert [one.flaw for one in more] == [Flaw.ENTRIES_ADDED]


@given(entries.filter(lambda run: len(set(run)) == len(run) > 1), st.data())
def test_entries_in_another_order_are_found(run: list[Entry], data: st.DataObject) -> None:
    seal = _sealed(run)
    moved = data.draw(st.permutations(run).filter(lambda order: order != run))

    assert [one.flaw for one in flaws_of(seal, moved, before=Anchor())] == [Flaw.ENTRIES_ALTERED]


@given(st.lists(entries, min_size=2, max_size=4), st.data())
def test_a_seal_that_is_altered_or_removed_is_found(runs: list[list[Entry]], data: st.DataObject) -> None:
    before, seals, anchors = Anchor(), [], []
    for run in runs:
        anchors.append(before)
        seals.append(_sealed(run, before))
        before = seals[-1].anchor(before)
    place = data.draw(st.integers(0, len(runs) - 2))
    seal = seals[place]
    altered = data.draw(
        st.sampled_from(
            [
                replace(seal, upto=seal.upto + 1),
                replace(seal, era=7),
                replace(seal, last_id=seal.last_id + 1),
                replace(seal, count=seal.count + 1),
                replace(seal, sealed_at=seal.sealed_at + timedelta(microseconds=1)),
                replace(seal, entries_digest=bytes(32)),
                replace(seal, link=bytes(32)),
            ]
        )
    )

    found = flaws_of(altered, runs[place], before=anchors[place])
    without = flaws_of(seals[place + 1], runs[place + 1], before=anchors[place])

    assert [one.flaw for one in found] == [Flaw.SEAL_ALTERED]
    assert [one.flaw for one in without] == [Flaw.SEAL_MISSING]


@given(entries, entries)
def test_a_run_that_is_sealed_anew_without_an_entry_does_not_fit_what_follows(run: list[Entry], next_run: list[Entry]) -> None:
    first = _sealed(run)
    second = _sealed(next_run, first.anchor(Anchor()))

    forged = _sealed([*run, LOGIN])

    assert forged.link != first.link
    assert [one.flaw for one in flaws_of(second, next_run, before=forged.anchor(Anchor()))] == [Flaw.SEAL_ALTERED]


def _recorded(detail: Detail | None, *, kept: bool = True, user_id: UserId = USER, **changed: object) -> Recorded:
    entry = replace(LOGIN, user_id=user_id, detail_digest=detail.digest if detail else None, **changed)  # type: ignore[arg-type]
    return Recorded(entry, detail if kept else None)


ORIGIN = Origin(address=ip_address("203.0.113.7"), user_agent="Mozilla/5.0 \x1b[31m é", request_id="r1")
DETAIL = Detail.of(ORIGIN, salt=b"s" * 16)


def test_a_detail_is_ascii_and_gives_back_what_it_was_made_of() -> None:
    assert DETAIL is not None
    assert DETAIL.text.isascii()
    assert DETAIL.text.isprintable()
    assert DETAIL.origin == ORIGIN
    assert Detail.of(Origin(), salt=b"s" * 16) is None


def test_a_detail_that_is_altered_or_put_where_there_was_none_is_found() -> None:
    assert DETAIL is not None
    altered = _recorded(DETAIL)
    altered = replace(altered, detail=replace(DETAIL, text=DETAIL.text.replace("113.7", "113.8")))
    added = replace(_recorded(None, id=2), detail=DETAIL)

    found, _ = flaws_of_details([altered, _recorded(DETAIL, id=3), added], {}, seal=4)

    assert found == [Finding(flaw=Flaw.DETAIL_ALTERED, seal=4, entry=1), Finding(flaw=Flaw.DETAIL_ALTERED, seal=4, entry=2)]


def test_a_detail_that_is_gone_is_found_unless_a_later_entry_says_that_it_was_erased() -> None:
    erased = _recorded(None, id=9, action=Action.AUDIT_ERASE)
    gone, others = _recorded(DETAIL, kept=False, id=1), _recorded(DETAIL, kept=False, id=2, user_id=OTHER)

    _, before = flaws_of_details([erased, gone, others], {}, seal=1)
    _, after = flaws_of_details([erased], before, seal=2)

    assert set(before) == {USER, OTHER}
    assert after == {OTHER: Finding(flaw=Flaw.DETAIL_MISSING, seal=1, entry=2)}


@pytest.mark.parametrize("salt", [b"", b"t" * 16])
def test_the_digest_of_a_detail_depends_on_its_salt(salt: bytes) -> None:
    assert DETAIL is not None
    assert replace(DETAIL, salt=salt).digest != DETAIL.digest


def test_a_seal_that_stands_on_what_it_disowns_is_linked_to_nothing_else() -> None:
    before = _sealed([LOGIN]).anchor(Anchor())

    seal = _sealed([replace(LOGIN, id=2)], before.disowned)

    assert seal.is_linked_to(before.disowned)
    assert not seal.is_linked_to(before)
    assert before.disowned.link.hex() == "614bc3479415ddf0e43cb1479b10c05f301ef87f9b9e78d63f5192f3d8428688"
