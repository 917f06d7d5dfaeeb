"""What was sealed can be proved; and what was done to it behind the service's back is found, on every store."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.ids import Uuid7Ids
from adapters.memory.store import MemoryStore
from adapters.security.audit_macs import KeyedAuditMacs
from adapters.security.secret_key import SecretKey
from adapters.sql.store import SqlStore
from application.audit import seal_record as sealing
from application.audit.erase_details import EraseDetails
from application.audit.gather_failures import GatherFailures
from application.audit.prune_record import PruneRecord, RecordFlawed
from application.audit.seal_record import SealRecord
from application.audit.verify_record import VerifyRecord
from application.ports.audit import Wanted
from application.ports.unit_of_work import Store, UnderWayElsewhere, UnitOfWork
from domain.audit import Act, Action, Agent, Outcome
from domain.audit_failures import Failure
from domain.audit_proof import Verified
from domain.audit_seals import Anchor, Flaw, Seal
from domain.events import RecordCut, RecordUnattested
from domain.origin import Origin
from domain.user import UserId
from tests.contracts.conftest import Storage
from tests.examples import SECRET, a_stored_user
from tests.fakes import FakeClock, RecordedEvents

ORIGIN = Origin(user_agent="Firefox", request_id="r-1")
LATER = "5f9c1e07a3d84b62908f17e6c2ab3d54e1780c9f6ba2453d8e70f419c6d3b528"
MACS = KeyedAuditMacs(SecretKey.parse(SECRET))
LATER_MACS = KeyedAuditMacs(SecretKey.parse(LATER))
MADE_UP = b"\x01??" + bytes(32)  # a MAC under a key that nobody knows
IN_THE_END = datetime(2100, 1, 1, tzinfo=UTC)
ids = Uuid7Ids()


async def _record(store: Store, count: int = 3, *, user_id: UserId | None = None) -> None:
    for number in range(count):
        async with store.begin() as work:
            await work.audit.add(Act(action=Action.LOGIN, by=Agent.USER, user_id=user_id, times=number + 1, origin=ORIGIN))
            await work.commit()


async def _seal(store: Store) -> Anchor | None:
    return await SealRecord(store=store, audit_macs=MACS, events=RecordedEvents())()


async def _a_record(store: Store, runs: int = 3) -> None:
    for _ in range(runs):
        await _record(store)
        await _seal(store)


async def _verify(store: Store, *, macs: KeyedAuditMacs = MACS, known: tuple[int, bytes] | None = None) -> Verified:
    steps = [step async for step in VerifyRecord(store=store, audit_macs=macs)(known=known)]
    assert [step.is_last for step in steps] == [False] * (len(steps) - 1) + [True]
    return steps[-1]


def on_postgresql(store: Store) -> bool:
    return isinstance(store, SqlStore) and store._engine.dialect.name == "postgresql"


async def _flaws(store: Store) -> list[tuple[Flaw, int]]:
    return [(one.flaw, one.seal) for one in (await _verify(store)).findings]


async def _tamper(store: Store, sql: str, in_memory: Callable[..., None]) -> None:
    """What somebody with access to the storage does."""
    if isinstance(store, MemoryStore):
        in_memory(store._tables)
        return
    assert isinstance(store, SqlStore)
    async with store._engine.begin() as connection:
        await connection.exec_driver_sql(sql)


async def _entry_ids(store: Store) -> list[int]:
    async with store.begin() as work:
        return sorted(one.entry.id for one in await work.audit.find(Wanted(), limit=1000))


async def test_an_empty_record_and_one_that_nobody_touched_are_whole(storage: Storage) -> None:
    assert await _flaws(storage.store) == []
    await _a_record(storage.store)
    await _record(storage.store, 2)

    verified = await _verify(storage.another)

    assert verified.findings == []
    assert (verified.head.entries, verified.head.ordinal, verified.unsealed) == (9, 3, 2)


async def test_more_than_a_run_has_room_for_is_sealed_in_as_many_as_it_takes(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_AT_ONCE", 4)
    await _record(storage.store, count=9)

    head = await _seal(storage.store)

    assert (head and head.ordinal, await _seal(storage.another)) == (3, None)


async def test_what_is_entered_while_others_are_sealed_is_sealed_the_next_time(storage: Storage) -> None:
    await _record(storage.store)
    busy = cast("Store", _Busy(storage.store))

    ends = [await _seal(busy), await _seal(busy), await _seal(storage.store), await _seal(storage.store)]

    assert [end and end.ordinal for end in ends] == [1, 2, 3, None]


class _Busy:
    """A store into which something is entered whenever a work in it has ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._store.begin() as work:
            yield work
        await _record(self._store, count=1)


async def test_ks08_an_altered_entry_is_found_in_its_run(storage: Storage) -> None:
    await _a_record(storage.store)
    fifth = (await _entry_ids(storage.store))[4]

    def alter(tables: object) -> None:
        entries = tables.audit_entries  # type: ignore[attr-defined]
        entries[fifth] = replace(entries[fifth], entry=replace(entries[fifth].entry, times=99))

    await _tamper(storage.another, f"UPDATE audit_entries SET times = 99 WHERE id = {fifth}", alter)  # noqa: S608

    assert await _flaws(storage.store) == [(Flaw.ENTRIES_ALTERED, 2)]


async def test_ks08_a_removed_entry_is_found_in_its_run(storage: Storage) -> None:
    await _a_record(storage.store)
    fifth = (await _entry_ids(storage.store))[4]

    await _tamper(
        storage.another,
        f"DELETE FROM audit_entries WHERE id = {fifth}",  # noqa: S608
        lambda tables: tables.audit_entries.pop(fifth),
    )

    assert await _flaws(storage.store) == [(Flaw.ENTRIES_MISSING, 2)]


@pytest.mark.parametrize(
    ("pair", "flaws"),
    [((4, 6), [(Flaw.ENTRIES_ALTERED, 2)]), ((3, 4), [(Flaw.ENTRIES_ALTERED, 1), (Flaw.ENTRIES_ALTERED, 2)])],
    ids=["in a run", "between two"],
)
async def test_ks08_entries_that_changed_places_are_found(
    storage: Storage, pair: tuple[int, int], flaws: list[tuple[Flaw, int]]
) -> None:
    if not on_postgresql(storage.store):
        return  # an entry's place is its id, which is digested like the rest
    await _a_record(storage.store)
    entries = await _entry_ids(storage.store)
    one, other = (entries[place - 1] for place in pair)

    swapped = (
        "UPDATE audit_entries a SET xid = b.xid FROM audit_entries b"  # noqa: S608
        f" WHERE (a.id, b.id) IN (({one}, {other}), ({other}, {one}))"
    )
    await _tamper(storage.another, swapped, lambda _: None)

    assert await _flaws(storage.store) == flaws


async def test_what_no_process_of_this_release_wrote_is_read_and_sealed_like_the_rest(storage: Storage) -> None:
    """A release that is newer does; and whoever may only insert can insert anything."""
    await _record(storage.store)
    strange = ["'2026-01-01', 'of_a_later_release', 'perhaps', 'somebody', 1"]
    if on_postgresql(storage.store):
        strange += [f"'{at}', 'login', 'done', 'user', 1" for at in ("0044-03-15 BC", "infinity", "-infinity")]

    def add(tables: object) -> None:
        entries = tables.audit_entries  # type: ignore[attr-defined]
        one = entries[1]
        later = replace(one.entry, id=4, position=4, action="of_a_later_release", outcome="perhaps", by="somebody")
        entries[4] = replace(one, entry=later)

    rows = ", ".join(f"({row})" for row in strange)
    await _tamper(storage.another, f"INSERT INTO audit_entries (at, action, outcome, agent, times) VALUES {rows}", add)  # noqa: S608
    await _seal(storage.store)

    assert await _flaws(storage.another) == []
    async with storage.store.begin() as work:
        found = [one.entry.action for one in await work.audit.find(Wanted(), limit=100)]
    assert found.count("of_a_later_release") == 1
    assert len(found) == 3 + len(strange)


async def test_an_entry_of_a_transaction_that_is_yet_to_come_is_listed_and_never_sealed(storage: Storage) -> None:
    if not on_postgresql(storage.store):
        return  # an entry's place is its id
    columns = "at, action, outcome, agent, times"
    await _a_record(storage.store)
    added = f"INSERT INTO audit_entries (xid, {columns}) SELECT '{2**64 - 1}', {columns} FROM audit_entries LIMIT 1"  # noqa: S608
    await _tamper(storage.another, added, lambda _: None)
    await _a_record(storage.store, runs=1)

    assert await _flaws(storage.another) == []
    assert len(await _entry_ids(storage.store)) == 13


async def test_an_altered_seal_and_one_that_is_missing_are_found(storage: Storage) -> None:
    await _a_record(storage.store, 4)

    def alter(tables: object) -> None:
        seals = tables.audit_seals  # type: ignore[attr-defined]
        seals[2] = replace(seals[2], count=2)

    await _tamper(storage.another, "UPDATE audit_seals SET count = 2 WHERE ordinal = 2", alter)
    altered = await _flaws(storage.store)
    await _tamper(storage.another, "DELETE FROM audit_seals WHERE ordinal = 2", lambda tables: tables.audit_seals.pop(2))

    assert altered == [(Flaw.SEAL_ALTERED, 2)]
    assert await _flaws(storage.store) == [(Flaw.SEAL_MISSING, 3)]


async def test_a_record_that_is_sealed_with_another_secret_alone_is_attested_by_nobody(storage: Storage) -> None:
    await _record(storage.store)
    await SealRecord(store=storage.store, audit_macs=LATER_MACS, events=RecordedEvents())()

    unattested = await _flaws(storage.another)

    assert unattested == [(Flaw.SEAL_UNATTESTED, 1)]


async def test_a_seal_with_the_mac_of_another_is_forged(storage: Storage) -> None:
    await _a_record(storage.store, 2)

    await _tamper(
        storage.another,
        "UPDATE audit_seals SET mac = (SELECT mac FROM audit_seals WHERE ordinal = 1)",
        lambda tables: tables.audit_seals.update({2: replace(tables.audit_seals[2], mac=tables.audit_seals[1].mac)}),
    )

    assert await _flaws(storage.store) == [(Flaw.SEAL_FORGED, 2)]


async def test_a_seal_of_an_older_value_of_the_secret_is_attested_by_a_later_one(storage: Storage) -> None:
    await _a_record(storage.store, 2)
    both = KeyedAuditMacs(SecretKey.parse(f"{LATER},{SECRET}"))
    await _record(storage.store)

    await SealRecord(store=storage.store, audit_macs=both, events=RecordedEvents())()

    assert (await _verify(storage.another, macs=LATER_MACS)).findings == []


async def test_a_seal_by_who_does_not_know_the_one_before_does_not_attest_it(storage: Storage) -> None:
    await _a_record(storage.store, 2)
    await _record(storage.store)
    events = RecordedEvents()

    await SealRecord(store=storage.store, audit_macs=LATER_MACS, events=events)()

    unattested = await _verify(storage.another, macs=LATER_MACS)
    assert [(one.flaw, one.seal) for one in unattested.findings] == [(Flaw.SEAL_UNATTESTED, 2)]
    assert events.all == [RecordUnattested(2)]
    assert (unattested.head.ordinal, unattested.head.entries) == (3, 9)


async def _made_anew(store: Store) -> None:
    """Every seal, to fit entries that were altered: all of it follows from them but the MACs."""
    async with store.begin() as work:
        before, made = Anchor(), []
        for seal in await work.audit.seals_after(0, limit=100):
            run = await work.audit.run_of(era=seal.era, until_id=None, since=before.upto, upto=seal.upto)
            again = Seal.over([one.entry for one in run], before=before, era=seal.era, upto=seal.upto, at=seal.sealed_at)
            made.append(replace(again, mac=MADE_UP))
            before = again.anchor(before)
    await _tamper(store, "DELETE FROM audit_seals", lambda tables: tables.audit_seals.clear())
    async with store.begin() as work:
        for each in made:
            await work.audit.add_seal(each)
        await work.commit()


async def test_ks08_seals_made_anew_under_no_key_are_not_vouched_for_by_the_next_one(
    storage: Storage, clock: FakeClock
) -> None:
    await _a_record(storage.store)
    fifth = (await _entry_ids(storage.store))[4]

    def alter(tables: object) -> None:
        entries = tables.audit_entries  # type: ignore[attr-defined]
        entries[fifth] = replace(entries[fifth], entry=replace(entries[fifth].entry, times=99))

    await _tamper(storage.another, f"UPDATE audit_entries SET times = 99 WHERE id = {fifth}", alter)  # noqa: S608
    await _made_anew(storage.another)
    await _a_record(storage.store, 2)

    assert await _flaws(storage.store) == [(Flaw.SEAL_UNATTESTED, 3)]
    with pytest.raises(RecordFlawed):
        await _prune(storage.store, clock, IN_THE_END)


async def test_the_newest_seals_removed_with_their_entries_are_missed_where_the_head_was_kept(storage: Storage) -> None:
    await _a_record(storage.store, 3)
    head = (await _verify(storage.store)).head
    last = (await _entry_ids(storage.store))[6]

    def shorten(tables: object) -> None:
        tables.audit_seals.pop(3)  # type: ignore[attr-defined]
        for each in [each for each in tables.audit_entries if each >= last]:  # type: ignore[attr-defined]
            tables.audit_entries.pop(each)  # type: ignore[attr-defined]

    await _tamper(storage.another, f"DELETE FROM audit_entries WHERE id >= {last}", shorten)  # noqa: S608
    await _tamper(storage.another, "DELETE FROM audit_seals WHERE ordinal = 3", lambda _: None)

    assert await _flaws(storage.store) == []  # as the guide says
    kept = await _verify(storage.store, known=(head.ordinal, head.link))
    assert [one.flaw for one in kept.findings] == [Flaw.HEAD_MISSING]
    await _a_record(storage.store, 1)
    replaced = await _verify(storage.store, known=(head.ordinal, head.link))
    assert [one.flaw for one in replaced.findings] == [Flaw.HEAD_MISSING]


@pytest.mark.parametrize("alike", [False, True], ids=["shorter", "as long again"])
async def test_ks08_a_process_tells_that_a_seal_of_its_own_is_gone(storage: Storage, alike: bool) -> None:
    events = RecordedEvents()
    seal_record = SealRecord(store=storage.store, audit_macs=MACS, events=events)
    await _a_record(storage.store, 1)
    await _record(storage.store)
    known = await seal_record()
    fourth = (await _entry_ids(storage.store))[3]
    await _record(storage.store, 1)
    quiet = await seal_record(known=known)

    def shorten(tables: object) -> None:
        for ordinal in (2, 3):
            tables.audit_seals.pop(ordinal)  # type: ignore[attr-defined]
        for each in [each for each in tables.audit_entries if each >= fourth]:  # type: ignore[attr-defined]
            tables.audit_entries.pop(each)  # type: ignore[attr-defined]

    await _tamper(storage.another, f"DELETE FROM audit_entries WHERE id >= {fourth}", shorten)  # noqa: S608
    await _tamper(storage.another, "DELETE FROM audit_seals WHERE ordinal >= 2", lambda _: None)
    if alike:
        await _a_record(storage.another, 3)
    await _record(storage.store, 1)
    told_before = list(events.all)
    await seal_record(known=quiet)

    assert told_before == []
    assert events.all == [RecordCut(3)]
    assert await _flaws(storage.store) == []  # to whom it is not told, it looks whole


async def test_a_seal_that_was_pruned_is_not_missed(storage: Storage, clock: FakeClock) -> None:
    events = RecordedEvents()
    await _a_record(storage.store, 1)
    await _record(storage.store)
    known = await SealRecord(store=storage.store, audit_macs=MACS, events=events)()

    await _prune(storage.store, clock, IN_THE_END)
    await SealRecord(store=storage.another, audit_macs=MACS, events=events)(known=known)

    assert events.all == []


async def test_a_head_that_was_kept_is_in_the_chain_that_goes_on(storage: Storage) -> None:
    await _a_record(storage.store, 2)
    head = (await _verify(storage.store)).head

    await _a_record(storage.store, 2)

    assert (await _verify(storage.another, known=(head.ordinal, head.link))).findings == []


async def test_erasing_a_users_details_leaves_the_record_whole_and_doing_so_in_secret_does_not(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    await _record(storage.store, user_id=user.id)
    await _record(storage.store, user_id=ids.user())
    await _seal(storage.store)

    assert await EraseDetails(store=storage.store)(username=user.username) == 3
    at_once = await _flaws(storage.another)
    await _seal(storage.store)
    erased = await _flaws(storage.another)

    def erase(tables: object) -> None:
        entries = tables.audit_entries  # type: ignore[attr-defined]
        entries.update({each: replace(one, detail=None) for each, one in entries.items()})

    await _tamper(storage.another, "DELETE FROM audit_details", erase)

    assert (at_once, erased) == ([], [])
    assert await _flaws(storage.store) == [(Flaw.DETAIL_MISSING, 1)]


async def test_details_are_not_erased_while_failures_are_being_entered(storage: Storage) -> None:
    """One would not see what the other does, and a detail that was on its way would stay."""
    if not on_postgresql(storage.store):
        return  # one writer
    user = await a_stored_user(storage.store)

    async with storage.another.begin() as work:
        await work.claim("audit_failures")
        with pytest.raises(UnderWayElsewhere):
            await EraseDetails(store=storage.store)(username=user.username)


async def _prune(store: Store, clock: FakeClock, before: datetime) -> int:
    return sum([removed async for removed in PruneRecord(store=store, audit_macs=MACS, clock=clock)(before=before)])


async def _time_of_seal(store: Store, ordinal: int) -> datetime:
    async with store.begin() as work:
        return (await work.audit.seals_after(ordinal - 1, limit=1))[0].sealed_at


async def _a_long_record(storage: Storage, clock: FakeClock) -> datetime:
    """Of three seals; the time of the last."""
    for _ in range(3):
        await _record(storage.store)
        await _seal(storage.store)
        clock.advance(timedelta(days=1))
    return await _time_of_seal(storage.store, 3)


async def test_what_is_left_after_pruning_is_whole_and_pruning_is_entered(storage: Storage, clock: FakeClock) -> None:
    before = await _a_long_record(storage, clock)

    removed = await _prune(storage.another, clock, before)
    await _seal(storage.store)

    verified = await _verify(storage.store)
    assert removed == 6
    assert verified.findings == []
    assert (verified.head.ordinal, verified.head.entries) == (4, 10)
    async with storage.store.begin() as work:
        [newest] = await work.audit.find(Wanted(action=Action.AUDIT_PRUNE), limit=5)
    assert (newest.entry.times, newest.entry.target) == (6, "seal 2")
    assert await _prune(storage.another, clock, before) == 0


async def test_what_is_removed_or_added_around_a_checkpoint_is_found(storage: Storage, clock: FakeClock) -> None:
    await _prune(storage.store, clock, await _a_long_record(storage, clock))
    first = (await _entry_ids(storage.store))[0]

    await _tamper(
        storage.another,
        f"DELETE FROM audit_entries WHERE id = {first}",  # noqa: S608
        lambda tables: tables.audit_entries.pop(first),
    )

    assert await _flaws(storage.store) == [(Flaw.ENTRIES_MISSING, 3)]


async def test_a_checkpoint_that_nobody_made_with_the_secret_is_forged(storage: Storage, clock: FakeClock) -> None:
    await _prune(storage.store, clock, await _a_long_record(storage, clock))

    def alter(tables: object) -> None:
        checkpoints = tables.audit_checkpoints  # type: ignore[attr-defined]
        checkpoints[2] = replace(checkpoints[2], anchor=replace(checkpoints[2].anchor, entries=7))

    await _tamper(storage.another, "UPDATE audit_checkpoints SET entries = 7", alter)

    assert await _flaws(storage.store) == [(Flaw.CHECKPOINT_FORGED, 2)]


async def test_what_is_added_before_a_checkpoint_is_found(storage: Storage, clock: FakeClock) -> None:
    await _prune(storage.store, clock, await _a_long_record(storage, clock))

    def add(tables: object) -> None:
        entries = tables.audit_entries  # type: ignore[attr-defined]
        one = next(iter(entries.values()))
        entries[1] = replace(one, entry=replace(one.entry, id=1, position=1))

    columns = "at, action, outcome, agent, times"
    added = f"INSERT INTO audit_entries (id, xid, {columns}) SELECT 1, '1', {columns} FROM audit_entries LIMIT 1"  # noqa: S608
    await _tamper(storage.another, added, add)

    assert await _flaws(storage.store) == [(Flaw.ENTRIES_ADDED, 2)]


async def test_a_checkpoint_that_is_not_ours_is_not_replaced_by_one_that_is(storage: Storage, clock: FakeClock) -> None:
    await _prune(storage.store, clock, await _a_long_record(storage, clock))
    await _a_record(storage.store, 2)

    def alter(tables: object) -> None:
        checkpoints = tables.audit_checkpoints  # type: ignore[attr-defined]
        checkpoints[2] = replace(checkpoints[2], mac=MADE_UP)

    literal = f"'\\x{MADE_UP.hex()}'" if on_postgresql(storage.store) else f"x'{MADE_UP.hex()}'"
    await _tamper(storage.another, f"UPDATE audit_checkpoints SET mac = {literal}", alter)  # noqa: S608

    with pytest.raises(RecordFlawed):
        await _prune(storage.store, clock, IN_THE_END)
    assert await _flaws(storage.store) == [(Flaw.CHECKPOINT_UNATTESTED, 2)]


async def test_what_an_older_value_of_the_secret_sealed_is_pruned_once_a_newer_one_attests_it(
    storage: Storage, clock: FakeClock
) -> None:
    before = await _a_long_record(storage, clock)
    await _record(storage.store)
    pruning = PruneRecord(store=storage.store, audit_macs=LATER_MACS, clock=clock)
    with pytest.raises(RecordFlawed):
        await anext(pruning(before=before))
    both = KeyedAuditMacs(SecretKey.parse(f"{LATER},{SECRET}"))
    await SealRecord(store=storage.store, audit_macs=both, events=RecordedEvents())()

    assert [removed async for removed in pruning(before=before)] == [6]

    assert (await _verify(storage.store, macs=LATER_MACS)).findings == []


async def test_what_is_flawed_is_not_pruned(storage: Storage, clock: FakeClock) -> None:
    before = await _a_long_record(storage, clock)
    first = (await _entry_ids(storage.store))[0]
    await _tamper(
        storage.another,
        f"DELETE FROM audit_entries WHERE id = {first}",  # noqa: S608
        lambda tables: tables.audit_entries.pop(first),
    )

    with pytest.raises(RecordFlawed):
        await _prune(storage.store, clock, before)

    assert len(await _entry_ids(storage.store)) == 8


async def test_gathered_failures_are_sealed_like_any_entry(storage: Storage) -> None:
    for _ in range(3):
        await storage.store.live.note_failure(Failure(action=Action.LOGIN, origin=ORIGIN))
    await GatherFailures(store=storage.store)()
    await storage.age(timedelta(seconds=61))

    await GatherFailures(store=storage.another)()
    await _seal(storage.store)

    verified = await _verify(storage.store)
    async with storage.store.begin() as work:
        found = await work.audit.find(Wanted(outcome=Outcome.REFUSED), limit=5)
    assert sum(one.entry.times for one in found) == 3
    assert (verified.findings, verified.head.entries, verified.unsealed) == ([], len(found), 0)


async def test_a_database_that_was_moved_to_a_server_which_counts_from_the_start_is_sealed_on(storage: Storage) -> None:
    """As `pg_dump` moves it: the entries keep the numbers of their transactions, which are far ahead of the new server's."""
    if not on_postgresql(storage.store):
        await _a_record(storage.store, 2)  # positions are ids there, and move with the entries
        assert await _flaws(storage.another) == []
        return
    await _record(storage.store, 5)
    await _tamper(storage.store, "UPDATE audit_entries SET xid = (900000000 + id)::text::xid8", lambda _: None)
    async with storage.store.begin() as work:
        entries = [one.entry for one in (await work.audit.find(Wanted(), limit=10))[::-1]][:3]
        upto = entries[-1].position + 1
        seal = Seal.over(entries, before=Anchor(), era=0, upto=upto, at=entries[0].at)
        await work.audit.add_seal(replace(seal, mac=MACS.make(seal.link)))
        await work.commit()

    await _record(storage.another, 4)
    first = await _seal(storage.another)
    await _a_record(storage.store, 2)

    verified = await _verify(storage.store)
    assert first
    assert first.ordinal == 3  # what was left of the old server's, and what is new
    assert (verified.findings, verified.head.entries, verified.unsealed) == ([], 15, 0)


async def test_the_newest_seal_is_the_last_that_was_made(store: Store) -> None:
    async with store.begin() as work:
        none = await work.audit.newest_seal()
    await _a_record(store, runs=2)

    async with store.begin() as work:
        newest, seals = await work.audit.newest_seal(), await work.audit.seals_after(0, limit=9)

    assert none is None
    assert newest == seals[-1]
    assert MACS.value_of(seals[-1].mac) == 1
    assert LATER_MACS.value_of(seals[-1].mac) is None


async def test_grants_are_told_where_the_storage_knows_roles(store: Store) -> None:
    async with store.begin() as work:
        grants = await work.audit.grants()

    assert (grants is not None) == on_postgresql(store)
    assert grants is None or (grants.owns_it, grants.may_add) == (True, True)
