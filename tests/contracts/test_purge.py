import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import Store, UnderWayElsewhere
from application.upkeep.purge_expired import Purged, PurgeExpired
from domain.session import Advanced, EndReason, Lifetimes, Session, SessionId, Sweep, SweepPosition, Unknown
from tests.contracts.conftest import LIFETIMES, Storage
from tests.databases import Databases
from tests.examples import HERE, a_new_session, a_stored_session, a_stored_user, a_token, a_user
from tests.fakes import FakeClock

A_MINUTE = timedelta(minutes=1)


async def _ended(storage: Storage) -> Session:
    session, _ = await a_stored_session(storage.store, await a_stored_user(storage.store, a_user(f"u{time.monotonic_ns()}")))
    assert await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    return session


async def _remove_ended(store: Store, *, limit: int = 500) -> int:
    async with store.begin() as work:
        removed = await work.sessions.remove_ended(limit=limit)
        await work.commit()
    return removed


async def _sweep(store: Store, *, after: SweepPosition | None = None, limit: int = 500) -> Sweep:
    async with store.begin() as work:
        swept = await work.sessions.remove_expired(after=after, limit=limit)
        await work.commit()
    return swept


async def _stored(storage: Storage, *ids: SessionId) -> set[SessionId]:
    async with storage.another.begin() as work:
        return {each for each in ids if await work.sessions.get(each)}


async def test_what_ended_is_kept_for_its_time_and_then_removed(storage: Storage) -> None:
    older = await _ended(storage)
    await storage.age(A_MINUTE)
    younger = await _ended(storage)
    await storage.age(LIFETIMES.kept - A_MINUTE)

    assert await _remove_ended(storage.store) == 1

    assert await _stored(storage, older.id, younger.id) == {younger.id}


@pytest.mark.parametrize("over_after", [LIFETIMES.idle, LIFETIMES.absolute])
async def test_what_nobody_ended_is_kept_for_as_long_after_its_time_was_over(storage: Storage, over_after: timedelta) -> None:
    session, secret = await a_stored_session(storage.store)
    counter = 0
    if over_after == LIFETIMES.absolute:  # refreshed until its last day
        for counter in range(1, 6):
            await storage.age(timedelta(days=6))
            await storage.store.live.rotate(a_token(session, secret, counter=counter - 1), grace=timedelta(0), trace=HERE)
        over_after -= timedelta(days=30)
    await storage.age(over_after + LIFETIMES.kept - A_MINUTE)
    before = await _sweep(storage.store)

    await storage.age(2 * A_MINUTE)

    assert (before, await _sweep(storage.store)) == (Sweep(removed=0, upto=None), Sweep(removed=1, upto=None))
    assert await _stored(storage, session.id) == set()


async def test_a_live_session_is_never_removed(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)

    assert await _remove_ended(storage.store) == 0
    assert (await _sweep(storage.store)).removed == 0

    assert await storage.store.live.read_session(session.id)


async def test_a_batch_removes_no_more_than_it_is_told(storage: Storage) -> None:
    ended = [await _ended(storage) for _ in range(5)]
    await storage.age(LIFETIMES.kept)

    assert [await _remove_ended(storage.store, limit=2) for _ in range(4)] == [2, 2, 1, 0]

    assert await _stored(storage, *(session.id for session in ended)) == set()


async def test_a_sweep_comes_past_every_session_and_removes_those_that_are_over(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    old = [(await a_stored_session(storage.store, user))[0] for _ in range(4)]
    await storage.age(LIFETIMES.absolute + LIFETIMES.kept)
    new = [(await a_stored_session(storage.store, user))[0] for _ in range(4)]

    first = await _sweep(storage.store, limit=3)
    second = await _sweep(storage.store, after=first.upto, limit=3)

    assert (first.removed, second.removed) == (3, 1)
    assert await _stored(storage, *(session.id for session in old + new)) == {session.id for session in new}


async def test_a_sweep_goes_past_old_sessions_that_live(databases: Databases, clock: FakeClock) -> None:
    """Of those whose users keep on coming back it looks at no more than it is told either."""
    url = await databases.make()
    store = SqlStore(open_engine(url, pool_size=2), clock, Lifetimes(absolute=timedelta(days=3650)))
    user = await a_stored_user(store)
    opened = [await a_stored_session(store, user) for _ in range(6)]
    await databases.age(url, timedelta(days=200))
    for session, _ in opened[:5]:
        await databases.execute(url, f"UPDATE sessions SET rotated_at = now() WHERE id = '{session.id}'")  # noqa: S608 - an id

    first = await _sweep(store, limit=3)
    second = await _sweep(store, after=first.upto, limit=3)
    third = await _sweep(store, after=second.upto, limit=3)
    await store.close()

    assert (first.removed, second.removed, third) == (0, 1, Sweep(removed=0, upto=None))


async def test_what_was_removed_without_a_commit_is_still_there(storage: Storage) -> None:
    session = await _ended(storage)
    await storage.age(LIFETIMES.kept)

    async with storage.store.begin() as work:
        assert await work.sessions.remove_ended(limit=1) == 1

    assert await _stored(storage, session.id) == {session.id}


async def test_rt16_no_token_of_a_session_that_was_removed_comes_back(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await storage.store.live.rotate(a_token(session, secret), grace=LIFETIMES.grace, trace=HERE)
    await storage.age(LIFETIMES.absolute + LIFETIMES.kept)
    purge = PurgeExpired(store=storage.store, lifetimes=LIFETIMES)

    purged = [batch async for batch in purge()]

    assert sum(purged, Purged()) == Purged(sessions=1)
    for counter in range(4):  # spent, the newest, and what a store would take that has lost writes
        presented = a_token(session, secret, counter=counter)
        assert await storage.another.live.rotate(presented, grace=LIFETIMES.grace, trace=HERE) == Unknown()
    assert (await storage.another.live.authenticate(session_id=session.id, user_id=session.user_id)).actor is None
    assert await storage.another.live.end_session(session.id, reason=EndReason.LOGOUT) is None
    assert await storage.another.live.list_ended_sessions(session.user_id, before=None, limit=10) == []


@pytest.fixture
async def url(databases: Databases) -> str:
    return await databases.make()


@pytest.fixture
async def forgetful(url: str, clock: FakeClock) -> AsyncIterator[SqlStore]:
    """On PostgreSQL. What is over is kept no longer."""
    store = SqlStore(open_engine(url, pool_size=4), clock, Lifetimes(kept=timedelta(0)))
    yield store
    await store.close()


async def test_rt16_while_a_batch_is_under_way_nothing_that_lives_waits_for_it(
    databases: Databases, url: str, forgetful: SqlStore
) -> None:
    """Who waited for a lock would be refused: the batch ends last."""
    user = await a_stored_user(forgetful)
    await a_stored_session(forgetful, user)
    await databases.age(url, LIFETIMES.idle)
    ended, _ = await a_stored_session(forgetful, user)
    await forgetful.live.end_session(ended.id, reason=EndReason.LOGOUT)
    (session, secret), (other, _) = [await a_stored_session(forgetful, user) for _ in range(2)]

    async with forgetful.begin() as work:
        await work.claim("purge")
        assert await work.sessions.remove_ended(limit=10) == 1
        assert (await work.sessions.remove_expired(after=None, limit=10)).removed == 1
        rotated = await forgetful.live.rotate(a_token(session, secret), grace=LIFETIMES.grace, trace=HERE)
        logged_out = await forgetful.live.end_session(other.id, reason=EndReason.LOGOUT)
        async with forgetful.begin() as another:
            opened = await another.sessions.open(a_new_session(user))
            await another.commit()
        with pytest.raises(UnderWayElsewhere):
            async with forgetful.begin() as another:
                await another.claim("purge")
        await work.commit()

    assert isinstance(rotated, Advanced)
    assert logged_out
    assert opened


async def test_rt16_a_session_that_comes_to_life_meanwhile_is_not_removed_and_not_waited_for(
    databases: Databases, url: str, forgetful: SqlStore
) -> None:
    session, _ = await a_stored_session(forgetful)
    await databases.age(url, LIFETIMES.idle)
    rival = await databases.connect(url)
    try:
        async with rival.transaction():
            await rival.execute("UPDATE sessions SET rotated_at = now() WHERE id = $1", session.id)
            meanwhile = await _sweep(forgetful)
    finally:
        await rival.close()

    assert meanwhile.removed == 0
    assert (await _sweep(forgetful)).removed == 0


async def test_rt16_racing_with_rotations_log_outs_and_log_ins_a_purge_removes_nothing_that_lives(
    url: str, clock: FakeClock
) -> None:
    idle, done = 0.5, asyncio.Event()
    lifetimes = Lifetimes(idle=timedelta(seconds=idle), kept=timedelta(0))
    one, another = (SqlStore(open_engine(url, pool_size=size), clock, lifetimes) for size in (12, 2))
    users = [await a_stored_user(one, a_user(f"user{number}")) for number in range(8)]
    removed = Purged()

    async def purge_all_the_time(store: SqlStore) -> None:
        nonlocal removed
        run = PurgeExpired(store=store, lifetimes=lifetimes)
        while not done.is_set():
            try:
                async for batch in run():
                    removed += batch
            except UnderWayElsewhere:
                await asyncio.sleep(0)

    async def live(number: int) -> int:
        refused = 0
        for turn in range(6):
            sent = time.monotonic()
            session, secret = await a_stored_session(one, users[number])
            for counter in range(6):
                if turn == 5:
                    await asyncio.sleep(idle * (0.9 + 0.02 * ((number + counter) % 8)))  # to the very edge
                before, sent = sent, time.monotonic()
                outcome = await one.live.rotate(a_token(session, secret, counter=counter), grace=timedelta(0), trace=HERE)
                if not isinstance(outcome, Advanced):
                    assert time.monotonic() - before >= idle, "removed while it lived"
                    refused += 1
                    break
            else:
                await one.live.end_session(session.id, reason=EndReason.LOGOUT)
        return refused

    purging = [asyncio.create_task(purge_all_the_time(store)) for store in (one, another)]
    await asyncio.gather(*(live(number) for number in range(8)))
    await asyncio.sleep(idle)
    done.set()
    await asyncio.gather(*purging)
    left = [batch async for batch in PurgeExpired(store=one, lifetimes=lifetimes)()]
    await one.close()
    await another.close()

    assert (removed + sum(left, Purged())).sessions == 8 * 6


async def test_of_many_who_claim_one_act_one_has_it_until_its_work_ends(url: str, clock: FakeClock) -> None:
    one, other = (SqlStore(open_engine(url, pool_size=2), clock, LIFETIMES) for _ in range(2))

    async with one.begin() as work:
        await work.claim("purge")
        async with other.begin() as rival:
            await rival.claim("something else")
        with pytest.raises(UnderWayElsewhere):
            async with other.begin() as rival:
                await rival.claim("purge")
    async with other.begin() as rival:
        await rival.claim("purge")
    await one.close()
    await other.close()


async def test_an_act_is_claimed_again_once_its_work_has_ended(storage: Storage) -> None:
    for store in (storage.store, storage.another):
        async with store.begin() as work:
            await work.claim("purge")
            await work.commit()
