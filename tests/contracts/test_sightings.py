import asyncio
from datetime import timedelta

import pytest

from adapters.ids import Uuid7Ids
from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from domain.session import SEEN_EVERY, Advanced, EndReason, Session, SessionId
from tests.contracts.conftest import LIFETIMES, Storage
from tests.databases import Databases
from tests.examples import HERE, a_stored_session, a_stored_user, a_token
from tests.fakes import FakeClock


async def _read(storage: Storage, id: SessionId) -> Session:
    async with storage.another.begin() as work:
        found = await work.sessions.get(id)
    assert found is not None
    return found


async def test_a_session_that_is_used_was_seen_now_and_nothing_else_of_it_changes(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    await storage.age(SEEN_EVERY)
    before = await _read(storage, session.id)

    await storage.store.live.mark_seen([session.id])

    after = await _read(storage, session.id)
    assert before.last_seen_at == before.created_at
    assert after.seen_at is not None
    assert SEEN_EVERY <= after.last_seen_at - before.last_seen_at < 5 * SEEN_EVERY
    assert {name for name in Session.__slots__ if getattr(before, name) != getattr(after, name)} == {"seen_at"}


async def test_that_is_written_once_a_minute_whoever_has_seen_it(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    await storage.age(SEEN_EVERY)
    await storage.store.live.mark_seen([session.id])
    first = await _read(storage, session.id)

    await storage.another.live.mark_seen([session.id])
    again = await _read(storage, session.id)
    await storage.age(SEEN_EVERY)
    aged = await _read(storage, session.id)
    await storage.another.live.mark_seen([session.id])

    assert again == first
    assert (await _read(storage, session.id)).last_seen_at > aged.last_seen_at


async def test_a_session_that_was_just_rotated_has_been_seen_by_that(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await storage.age(SEEN_EVERY)
    rotated = await storage.store.live.rotate(a_token(session, secret), grace=LIFETIMES.grace, trace=HERE)
    assert isinstance(rotated, Advanced)

    await storage.store.live.mark_seen([session.id])

    assert await _read(storage, session.id) == rotated.session
    assert rotated.session.last_seen_at == rotated.session.rotated_at


async def test_what_has_ended_and_what_is_unknown_is_left_alone(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    await storage.age(SEEN_EVERY)
    before = await _read(storage, session.id)

    await storage.store.live.mark_seen([session.id, Uuid7Ids().session()])
    await storage.store.live.mark_seen([])

    assert await _read(storage, session.id) == before


async def test_being_seen_does_not_keep_a_session_from_idling_out(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    await storage.age(LIFETIMES.idle - timedelta(minutes=1))

    await storage.store.live.mark_seen([session.id])
    alive = await storage.store.live.read_session(session.id)
    await storage.age(timedelta(minutes=2))

    assert alive is not None
    assert await storage.store.live.read_session(session.id) is None


async def test_of_rotations_and_sightings_at_once_none_is_lost_and_none_refused(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    async def see() -> None:
        for _ in range(20):
            await storage.another.live.mark_seen([session.id])

    async def rotate() -> None:
        for counter in range(20):
            outcome = await storage.store.live.rotate(a_token(session, secret, counter=counter), grace=timedelta(0), trace=HERE)
            assert isinstance(outcome, Advanced)
            await storage.age(SEEN_EVERY)

    await asyncio.gather(see(), rotate())

    assert (await _read(storage, session.id)).counter == 20


@pytest.mark.parametrize("lock", ["UPDATE", "NO KEY UPDATE"])
async def test_a_session_that_somebody_is_at_is_not_waited_for(databases: Databases, clock: FakeClock, lock: str) -> None:
    url = await databases.make()
    store = SqlStore(open_engine(url, pool_size=2), clock, LIFETIMES)
    user = await a_stored_user(store)
    (busy, _), (free, _) = [await a_stored_session(store, user) for _ in range(2)]
    await databases.age(url, SEEN_EVERY)
    rival = await databases.connect(url)
    try:
        async with rival.transaction():
            await rival.execute(f"SELECT FROM sessions WHERE id = $1 FOR {lock}", busy.id)
            await store.live.mark_seen([busy.id, free.id])  # who waits for a lock is refused after a second
            seen = {row["id"] for row in await databases.fetch(url, "SELECT id FROM sessions WHERE seen_at IS NOT NULL")}
    finally:
        await rival.close()
        await store.close()

    assert seen == {free.id}
