"""Statements of rivals on PostgreSQL, of which it rolls one back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest

from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.throttle_state import Hit
from application.ports.unit_of_work import StoreUnavailable
from domain.session import Advanced, EndReason, Lifetimes, RotationOutcome, Session, SessionSecret
from domain.throttle import Limit
from tests.databases import Databases
from tests.examples import HERE, a_stored_session, a_stored_user, a_token
from tests.fakes import FakeClock

# What it counts in a sequence stays counted where all else is rolled back.
REFUSING = """
CREATE SEQUENCE tries;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('tries') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refusing BEFORE INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()
"""
# The first time it goes on to the row only once a rival waits for the lock that it has: it closes the circle, and is found out.
CROSSING = """
CREATE SEQUENCE tries;
CREATE FUNCTION cross_a_rival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1);
  IF nextval('tries') = 1 THEN
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) LOOP PERFORM pg_sleep(0.01); END LOOP;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER crossing BEFORE UPDATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION cross_a_rival()
"""
ITS_LOCK = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1"


@dataclass(frozen=True, slots=True)
class Postgresql:
    store: SqlStore
    url: str
    databases: Databases

    async def plant(self, trigger: str) -> None:
        await self.databases.execute(self.url, trigger)

    async def tries(self) -> int:
        return int((await self.databases.fetch(self.url, "SELECT last_value FROM tries"))[0]["last_value"])


@pytest.fixture
async def postgresql(databases: Databases) -> AsyncIterator[Postgresql]:
    url = await databases.make()
    await databases.configure(url, "SET deadlock_timeout = '50ms'")
    store = SqlStore(open_engine(url, pool_size=2), FakeClock(), Lifetimes())
    yield Postgresql(store, url, databases)
    await store.close()


async def test_rl06_the_statement_that_a_deadlock_rolls_back_is_run_again(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    await postgresql.plant(CROSSING)
    rival = await asyncpg.connect(postgresql.url, server_settings={"deadlock_timeout": "1min"})

    async with rival.transaction():
        await rival.execute("SELECT FROM sessions FOR UPDATE")
        rotating = asyncio.create_task(postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(0), trace=HERE))
        while not rotating.done() and not await postgresql.databases.fetch(postgresql.url, ITS_LOCK):  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        await rival.execute("SELECT pg_advisory_xact_lock(1)")  # given once the other has been rolled back
    outcome = await rotating
    await rival.close()

    assert isinstance(outcome, Advanced)
    assert outcome.session.counter == 1
    assert await postgresql.tries() == 2


@pytest.mark.parametrize("times", [1, 2])
async def test_rl06_what_was_rolled_back_is_run_again_and_done_once(postgresql: Postgresql, times: int) -> None:
    session, _ = await a_stored_session(postgresql.store)
    await postgresql.plant(REFUSING.format(times=times, table="sessions"))

    assert await postgresql.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    assert await postgresql.tries() == times + 1
    assert len(await postgresql.databases.fetch(postgresql.url, "SELECT FROM revocations")) == 1


async def test_rl06_what_is_rolled_back_again_and_again_is_given_up(postgresql: Postgresql) -> None:
    session, _ = await a_stored_session(postgresql.store)
    await postgresql.plant(REFUSING.format(times=3, table="sessions"))

    with pytest.raises(StoreUnavailable):
        await postgresql.store.live.end_session(session.id, reason=EndReason.LOGOUT)

    assert await postgresql.tries() == 3


async def test_rl06_a_count_that_was_rolled_back_is_counted_once(postgresql: Postgresql) -> None:
    hit = Hit("somebody", Limit.parse("2/1h/address"))
    await postgresql.plant(REFUSING.format(times=2, table="throttle"))

    verdicts = [(await postgresql.store.throttle.hit([hit]))[0].allowed for _ in range(3)]

    assert verdicts == [True, True, False]


async def test_rl06_a_unit_of_work_is_not_run_again(postgresql: Postgresql) -> None:
    await postgresql.plant(REFUSING.format(times=1, table="users"))

    with pytest.raises(StoreUnavailable):
        await a_stored_user(postgresql.store)

    assert await postgresql.tries() == 1


async def test_a_session_that_a_rival_holds_keeps_no_other_waiting(postgresql: Postgresql) -> None:
    user = await a_stored_user(postgresql.store)
    held = await a_stored_session(postgresql.store, user)
    free = [await a_stored_session(postgresql.store, user) for _ in range(8)]
    rival = await asyncpg.connect(postgresql.url)

    def rotated(sessions: Sequence[tuple[Session, SessionSecret]]) -> list[asyncio.Task[RotationOutcome]]:
        rotate = postgresql.store.live.rotate
        return [asyncio.create_task(rotate(a_token(*one), grace=timedelta(seconds=10), trace=HERE)) for one in sessions]

    async with rival.transaction():
        await rival.execute("SELECT FROM sessions WHERE id = $1 FOR UPDATE", held[0].id)
        [first] = rotated([free[0]])  # so that all others come while something is under way
        [waiting], others = rotated([held]), rotated(free[1:])
        told = await asyncio.wait_for(asyncio.gather(first, *others), 2)
        assert all(isinstance(one, Advanced) for one in told)
        assert not waiting.done()
    assert isinstance(await waiting, Advanced)
    await rival.close()
