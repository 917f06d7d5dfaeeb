import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import product

import pytest

from adapters.ids import Uuid7Ids
from application.ports.audit import Wanted
from application.ports.unit_of_work import Store
from domain.audit import Act, Action, Agent, Outcome, Recorded
from domain.audit_failures import Failure, gather
from domain.audit_seals import Anchor, Checkpoint, Seal, flaws_of, flaws_of_details
from domain.errors import Unavailable
from domain.origin import NOWHERE, Origin, Trace
from domain.session import Advanced, Ahead, EndReason, Reused, Session, SessionId, SessionSecret
from domain.user import UserId
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_stored_session, a_stored_user, a_token
from tests.fakes import FakeClock

ORIGIN = Origin(user_agent="Firefox é", address=ip_address("2001:db8::7"), request_id="r-1")
ids = Uuid7Ids()


async def _record(store: Store, *acts: Act) -> None:
    async with store.begin() as work:
        for act in acts:
            await work.audit.add(act)
        await work.commit()


async def _found(store: Store, wanted: Wanted | None = None, *, limit: int = 1000) -> Sequence[Recorded]:
    async with store.begin() as work:
        return await work.audit.find(wanted or Wanted(), limit=limit)


async def _actions(store: Store) -> list[str]:
    return [one.entry.action for one in await _found(store)][::-1]


async def _seal(store: Store, *, most: int = 1000) -> Seal | None:
    async with store.begin() as work:
        await work.audit.see_one_moment()
        await work.claim("audit")
        unsealed = await work.audit.read_unsealed(most=most)
        if not unsealed.run:
            return None
        entries = [one.entry for one in unsealed.run]
        seal = Seal.over(entries, before=unsealed.before, era=unsealed.era, upto=unsealed.upto, at=unsealed.at)
        await work.audit.add_seal(replace(seal, mac=b"mac"))
        await work.commit()
    return seal


async def _flaws(store: Store, before: Anchor | None = None) -> list[str]:
    before, found = before or Anchor(), []
    async with store.begin() as work:
        for seal in await work.audit.seals_after(before.ordinal, limit=1000):
            run = await work.audit.run_of(era=seal.era, until_id=None, since=before.upto, upto=seal.upto)
            found += [str(one.flaw) for one in flaws_of(seal, [each.entry for each in run], before=before)]
            found += [str(one.flaw) for one in flaws_of_details(run, {}, seal=seal.ordinal)[0]]
            before = seal.anchor(before)
    return found


async def test_an_entry_comes_back_in_every_field(storage: Storage) -> None:
    user_id, session_id = ids.user(), ids.session()
    act = Act(
        action=Action.CLIENT_ADD,
        by=Agent.CLIENT,
        outcome=Outcome.REFUSED,
        client="billing",
        user_id=user_id,
        session_id=session_id,
        target="x" * 64,
        times=7,
        at=datetime(2026, 11, 24, 11, 59, 59, 123456, tzinfo=UTC),
        origin=ORIGIN,
    )

    await _record(storage.store, act)

    [one] = await _found(storage.another)
    entry = one.entry
    assert one.detail is not None
    assert one.detail.origin == ORIGIN
    assert len(one.detail.salt) == 16
    assert entry.detail_digest == one.detail.digest
    assert entry.at == act.at
    assert (entry.action, entry.by, entry.outcome, entry.client) == (act.action, act.by, act.outcome, act.client)
    assert (entry.user_id, entry.session_id, entry.target, entry.times) == (user_id, session_id, act.target, act.times)


async def test_an_entry_has_the_stores_time_and_only_what_it_was_given(storage: Storage, clock: FakeClock) -> None:
    await _record(storage.store, Act(action=Action.KEY_ROTATE, by=Agent.SERVICE))

    [one] = await _found(storage.another)
    assert one.detail is None
    assert one.entry.detail_digest is None
    assert (one.entry.user_id, one.entry.session_id, one.entry.target, one.entry.times) == (None, None, None, 1)
    assert one.entry.at.tzinfo is UTC
    assert one.entry.at >= clock.now()


async def test_ks08_nothing_is_entered_where_the_act_is_rolled_back(storage: Storage) -> None:
    async with storage.store.begin() as work:
        await work.audit.add(Act(action=Action.SIGN_UP, by=Agent.USER, origin=ORIGIN))

    assert await _found(storage.another) == []


async def test_entries_are_found_by_user_action_outcome_time_and_place_the_newest_first(store: Store) -> None:
    one, other = ids.user(), ids.user()
    early = datetime(2026, 1, 1, tzinfo=UTC)
    await _record(
        store,
        Act(action=Action.LOGIN, by=Agent.USER, user_id=one, at=early),
        Act(action=Action.LOGIN, by=Agent.USER, user_id=other, at=early + timedelta(days=1)),
        Act(action=Action.LOGOUT, by=Agent.USER, user_id=one, at=early + timedelta(days=2)),
        Act(action=Action.LOGIN, by=Agent.UNKNOWN, outcome=Outcome.REFUSED, at=early + timedelta(days=3)),
    )
    newest, second, third, oldest = [found.entry.id for found in await _found(store)]

    async def found(wanted: Wanted) -> list[int]:
        return [one.entry.id for one in await _found(store, wanted)]

    assert newest > second > third > oldest
    assert await found(Wanted(user_id=one)) == [second, oldest]
    assert await found(Wanted(action=Action.LOGIN)) == [newest, third, oldest]
    assert await found(Wanted(outcome=Outcome.REFUSED)) == [newest]
    assert await found(Wanted(since=early + timedelta(days=1))) == [newest, second, third]
    assert await found(Wanted(before=third)) == [oldest]
    assert await found(Wanted(user_id=one, action=Action.LOGOUT, before=newest)) == [second]
    assert [one.entry.id for one in await _found(store, limit=2)] == [newest, second]


async def test_filters_together_find_what_fits_each_of_them(store: Store) -> None:
    one, other, early = ids.user(), ids.user(), datetime(2026, 1, 1, tzinfo=UTC)
    acts = product((one, other, None), (Action.LOGIN, Action.LOGOUT), Outcome, (early, early + timedelta(days=1)))
    made = [Act(user_id=who, action=what, outcome=how, at=at, by=Agent.UNKNOWN) for who, what, how, at in acts]
    await _record(store, *made)
    every = [found.entry for found in await _found(store)]
    middle = every[len(every) // 2].id

    for who, what, how, since, before in product(
        (None, one), (None, Action.LOGIN), (None, Outcome.REFUSED), (None, early + timedelta(hours=1)), (None, middle)
    ):
        wanted = Wanted(user_id=who, action=what, outcome=how, since=since, before=before)
        fitting = [
            entry.id
            for entry in every
            if who in {None, entry.user_id}
            and what in {None, entry.action}
            and how in {None, entry.outcome}
            and (since is None or entry.at >= since)
            and (before is None or entry.id < before)
        ]
        assert fitting
        assert [found.entry.id for found in await _found(store, wanted)] == fitting


async def test_activity_is_ones_own_a_page_at_a_time(store: Store) -> None:
    one, other = ids.user(), ids.user()
    await _record(store, *(Act(action=Action.LOGIN, by=Agent.USER, user_id=user) for user in (one, other, one, one)))
    await _record(store, Act(action=Action.LOGIN, by=Agent.UNKNOWN, outcome=Outcome.REFUSED))

    first = await _found(store, Wanted(user_id=one), limit=2)
    rest = await _found(store, Wanted(user_id=one, before=first[-1].entry.id), limit=2)

    assert [len(first), len(rest)] == [2, 1]
    assert {found.entry.user_id for found in (*first, *rest)} == {one}
    assert sorted((found.entry.id for found in (*first, *rest)), reverse=True) == [f.entry.id for f in (*first, *rest)]


# What hangs on the statements that change sessions.


async def _misused(store: Store) -> tuple[Session, SessionSecret]:
    """A session two steps beyond its first token."""
    session, secret = await a_stored_session(store)
    for counter in (0, 1):
        await store.live.rotate(a_token(session, secret, counter=counter), grace=LIFETIMES.grace, trace=HERE)
    return session, secret


async def test_thirty_racing_reuses_are_one_entry(storage: Storage) -> None:
    session, secret = await _misused(storage.store)
    token = a_token(session, secret)
    stores = [storage.store, storage.another] * 15

    outcomes = await asyncio.gather(
        *(one.live.rotate(token, grace=LIFETIMES.grace, trace=HERE, origin=ORIGIN) for one in stores)
    )

    assert sum(isinstance(outcome, Reused) for outcome in outcomes) == 1
    [one] = await _found(storage.another)
    assert (one.entry.action, one.entry.outcome) == (Action.REFRESH_REUSE, Outcome.REFUSED)
    assert (one.entry.user_id, one.entry.session_id) == (session.user_id, session.id)
    assert one.detail is not None
    assert one.detail.origin == ORIGIN


async def test_an_honest_rotation_and_its_repeat_enter_nothing(store: Store) -> None:
    session, secret = await a_stored_session(store)

    for counter in (0, 0, 1, 1, 2):
        await store.live.rotate(a_token(session, secret, counter=counter), grace=LIFETIMES.grace, trace=HERE)

    assert await _found(store) == []


async def test_a_token_ahead_of_the_store_and_a_shadow_are_entered(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    elsewhere = Trace(network="198.51.100.0/24", digests=(b"thief---",))

    ahead = await storage.store.live.rotate(a_token(session, secret, counter=5), grace=LIFETIMES.grace, trace=HERE)
    for counter in (6, 7, 8):
        for trace in (HERE, elsewhere):
            await storage.store.live.rotate(a_token(session, secret, counter=counter), grace=LIFETIMES.grace, trace=trace)

    assert isinstance(ahead, Ahead)
    assert await _actions(storage.another) == [Action.SESSION_AHEAD, Action.SESSION_SHADOWED]
    assert {one.entry.session_id for one in await _found(storage.another)} == {session.id}


async def test_a_session_that_is_ended_twice_is_entered_once_with_what_the_act_leaves_open(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    act = Act(action=Action.LOGOUT, by=Agent.USER, origin=ORIGIN)

    await asyncio.gather(
        *(one.live.end_session(session.id, reason=EndReason.LOGOUT, act=act) for one in [storage.store, storage.another] * 5)
    )

    [one] = await _found(storage.another)
    assert (one.entry.action, one.entry.user_id, one.entry.session_id) == (Action.LOGOUT, session.user_id, session.id)


async def test_what_the_act_says_of_user_and_session_stands(store: Store) -> None:
    session, _ = await a_stored_session(store)
    through, user_id = ids.session(), ids.user()
    act = Act(action=Action.SESSION_REVOKE, by=Agent.USER, user_id=user_id, session_id=through, target=str(session.id))

    await store.live.end_session(session.id, reason=EndReason.REVOKED, act=act)

    [one] = await _found(store)
    assert (one.entry.user_id, one.entry.session_id, one.entry.target) == (user_id, through, str(session.id))


@pytest.mark.parametrize("reason", [EndReason.LOGOUT, EndReason.REVOKED])
async def test_where_nothing_ends_nothing_is_entered(store: Store, reason: EndReason) -> None:
    session, _ = await a_stored_session(store)
    act = Act(action=Action.LOGOUT, by=Agent.USER)

    await store.live.end_session(SessionId(ids.session()), reason=reason, act=act)
    await store.live.end_session(session.id, reason=reason, user_id=ids.user(), act=act)

    assert await _found(store) == []


# Failures, which wait.


async def _gather(store: Store) -> None:
    async with store.begin() as work:
        await work.claim("audit")
        waiting = await work.audit.take_failures(most=100)
        gathered = gather(waiting.failures, now=waiting.now)
        for act in gathered.acts:
            await work.audit.add(act)
        await work.audit.settle_failures(gathered)
        await work.commit()


async def _pending(store: Store) -> list[tuple[UserId | None, Origin, bool]]:
    async with store.begin() as work:
        waiting = await work.audit.take_failures(most=100)
        return [(one.failure.user_id, one.failure.origin, one.entered) for one in waiting.failures]


async def test_failures_wait_and_become_one_entry_at_once_and_one_when_the_minute_is_over(storage: Storage) -> None:
    user_id = ids.user()
    for _ in range(5):
        await storage.store.live.note_failure(Failure(action=Action.LOGIN, user_id=user_id, origin=ORIGIN))
    assert await _pending(storage.another) == [(user_id, ORIGIN, False)] * 5

    await _gather(storage.another)
    at_once = await _found(storage.another)
    await storage.age(timedelta(seconds=61))
    await _gather(storage.store)

    assert [one.entry.times for one in at_once] in ([1], [5], [1, 1])  # the minute may have passed meanwhile
    assert sum(one.entry.times for one in await _found(storage.another)) == 5
    assert {(one.entry.user_id, one.entry.by, one.entry.outcome) for one in at_once} == {
        (user_id, Agent.UNKNOWN, Outcome.REFUSED)
    }
    assert at_once[0].detail is not None
    assert at_once[0].detail.origin == ORIGIN
    assert await _pending(storage.store) == []


async def test_a_failure_of_nobody_from_nowhere_waits_like_any_other(storage: Storage) -> None:
    await storage.store.live.note_failure(Failure(action=Action.LOGIN, origin=NOWHERE))

    assert await _pending(storage.another) == [(None, NOWHERE, False)]


# Sealing.


async def test_what_is_sealed_is_whole_and_each_entry_is_sealed_once(storage: Storage) -> None:
    for number in range(7):
        await _record(storage.store, *[Act(action=Action.LOGIN, by=Agent.USER, times=number, origin=ORIGIN)] * 2)

    seals = [await _seal(storage.another, most=4) for _ in range(5)]

    counts = [seal.count for seal in seals if seal]
    assert sum(counts) == 14
    assert max(counts) <= 4
    assert await _flaws(storage.store) == []
    assert await _seal(storage.store) is None


async def test_entries_of_one_act_are_sealed_together_however_many(storage: Storage) -> None:
    await _record(storage.store, *[Act(action=Action.LOGIN, by=Agent.USER)] * 9)

    while await _seal(storage.store, most=4):
        pass

    assert await _flaws(storage.another) == []
    async with storage.store.begin() as work:
        assert sum(seal.count for seal in await work.audit.seals_after(0, limit=10)) == 9


async def test_two_runners_never_seal_an_entry_twice(storage: Storage) -> None:
    for _ in range(20):
        await _record(storage.store, Act(action=Action.LOGIN, by=Agent.USER))

    async def run(store: Store) -> None:
        for _ in range(10):
            with suppress(Unavailable):
                await _seal(store, most=3)

    await asyncio.gather(run(storage.store), run(storage.another))

    while await _seal(storage.store):
        pass
    assert await _flaws(storage.store) == []
    async with storage.store.begin() as work:
        assert sum(seal.count for seal in await work.audit.seals_after(0, limit=100)) == 20


async def test_entries_that_are_committed_out_of_order_are_all_sealed(storage: Storage) -> None:
    async def write(store: Store, number: int) -> None:
        done = 0
        while done < 10:
            with suppress(Unavailable):  # a place among those who write to a file is not always had in time: a slow disk
                async with store.begin() as work:
                    await work.audit.add(Act(action=Action.LOGIN, by=Agent.USER, times=number))
                    await asyncio.sleep(0)
                    await work.audit.add(Act(action=Action.LOGOUT, by=Agent.USER, times=number))
                    await work.commit()
                done += 1

    writing = asyncio.gather(*(write(store, number) for number, store in enumerate([storage.store, storage.another] * 3)))
    while not writing.done():
        with suppress(Unavailable):
            await _seal(storage.another)
        await asyncio.sleep(0)
    await writing

    while await _seal(storage.store):
        pass
    assert await _flaws(storage.store) == []
    async with storage.store.begin() as work:
        assert sum(seal.count for seal in await work.audit.seals_after(0, limit=1000)) == 120


async def test_a_seal_and_a_checkpoint_come_back_in_every_field(storage: Storage) -> None:
    await _record(storage.store, Act(action=Action.LOGIN, by=Agent.USER))
    made = await _seal(storage.store)
    assert made is not None
    checkpoint = Checkpoint(anchor=made.anchor(Anchor()), pruned_at=made.sealed_at, mac=b"\x00mac")

    async with storage.another.begin() as work:
        assert await work.audit.seals_after(0, limit=10) == [replace(made, mac=b"mac")]
        assert await work.audit.eras() == [0]
        assert await work.audit.checkpoint() is None
        await work.audit.prune(checkpoint)
        await work.commit()

    async with storage.store.begin() as work:
        assert await work.audit.checkpoint() == checkpoint


async def test_what_is_pruned_is_gone_and_the_rest_goes_on_from_the_checkpoint(storage: Storage) -> None:
    seals = []
    for _ in range(4):
        await _record(storage.store, *[Act(action=Action.LOGIN, by=Agent.USER, origin=ORIGIN)] * 3)
        seals.append(await _seal(storage.store))
    before = Anchor()
    for seal in seals[:2]:
        assert seal is not None
        before = seal.anchor(before)

    async with storage.another.begin() as work:
        removed = await work.audit.prune(Checkpoint(anchor=before, pruned_at=datetime(2026, 1, 1, tzinfo=UTC), mac=b"mac"))
        await work.commit()

    assert removed == 6
    assert len(await _found(storage.store)) == 6
    assert await _flaws(storage.store, before) == []
    await _record(storage.store, Act(action=Action.LOGIN, by=Agent.USER))
    added = await _seal(storage.store)
    assert added is not None
    assert added.ordinal == 5
    assert await _flaws(storage.another, before) == []


async def test_a_chain_goes_on_where_everything_was_pruned(storage: Storage) -> None:
    await _record(storage.store, Act(action=Action.LOGIN, by=Agent.USER))
    seal = await _seal(storage.store)
    assert seal is not None
    async with storage.store.begin() as work:
        await work.audit.prune(Checkpoint(anchor=seal.anchor(Anchor()), pruned_at=seal.sealed_at, mac=b"mac"))
        await work.commit()

    await _record(storage.store, Act(action=Action.LOGOUT, by=Agent.USER))
    following = await _seal(storage.another)

    assert following is not None
    assert following.ordinal == 2
    assert await _flaws(storage.store, seal.anchor(Anchor())) == []


async def test_a_users_details_are_erased_and_nobody_elses_and_the_entries_stay(storage: Storage) -> None:
    one, other = ids.user(), ids.user()
    await _record(
        storage.store, *(Act(action=Action.LOGIN, by=Agent.USER, user_id=user, origin=ORIGIN) for user in (one, other))
    )
    for user in (one, other):
        await storage.store.live.note_failure(Failure(action=Action.LOGIN, user_id=user, origin=ORIGIN))
    await _seal(storage.store)

    async with storage.another.begin() as work:
        erased = await work.audit.erase_details_of(one)
        await work.commit()

    assert erased == 1
    assert {found.entry.user_id: found.detail is not None for found in await _found(storage.store)} == {one: False, other: True}
    assert {user: origin for user, origin, _ in await _pending(storage.store)} == {one: NOWHERE, other: ORIGIN}
    assert await _flaws(storage.store) == []


async def test_the_record_outlives_the_session_and_says_what_became_of_it(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    session, secret = await a_stored_session(storage.store, user)

    outcome = await storage.store.live.rotate(a_token(session, secret), grace=LIFETIMES.grace, trace=HERE)
    await storage.store.live.end_session(
        session.id, reason=EndReason.LOGOUT, act=Act(action=Action.LOGOUT, by=Agent.USER, origin=ORIGIN)
    )

    assert isinstance(outcome, Advanced)
    assert [one.entry.action for one in await _found(storage.another, Wanted(user_id=user.id))] == [Action.LOGOUT]
