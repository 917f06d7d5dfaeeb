"""What a PostgreSQL that is there, but not able, does to the store: "away", and never a wrong answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import greenlet  # type: ignore[import-untyped]  # it says nothing of types
import pytest
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.deadlines import Deadlines
from adapters.sql.engines import StoreTime, open_engine
from adapters.sql.live import SqlLiveStatements
from adapters.sql.reach import Reach
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import StoreUnavailable
from domain.password import PasswordHash
from domain.session import Advanced, EndReason, Lifetimes, Repeated, Unknown
from domain.username import Username
from tests.databases import Databases
from tests.examples import HERE, a_new_session, a_stored_session, a_stored_user, a_token, a_user
from tests.fakes import FakeClock

TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

HELD = (
    "SELECT count(*) AS connections FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Postgresql:
    store: SqlStore
    engine: AsyncEngine
    url: str
    databases: Databases

    async def execute(self, statement: str) -> None:
        await self.databases.execute(self.url, statement)


@pytest.fixture
async def postgresql(databases: Databases) -> AsyncIterator[Postgresql]:
    url = await databases.make()
    engine = open_engine(url, pool_size=2)
    store = SqlStore(engine, FakeClock(), Lifetimes())
    yield Postgresql(store, engine, url, databases)
    await store.close()


async def test_rl04_rl06_connections_that_died_while_idle_are_noticed_by_nobody(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    await postgresql.execute(TERMINATE)

    assert (await postgresql.store.live.authenticate(session_id=session.id, user_id=session.user_id)).actor
    await postgresql.execute(TERMINATE)
    outcome = await postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(seconds=30), trace=HERE)

    assert isinstance(outcome, Advanced)


async def test_connections_that_died_are_each_replaced_and_then_taken_as_they_are(postgresql: Postgresql) -> None:
    session, _ = await a_stored_session(postgresql.store)
    ask = partial(postgresql.store.live.authenticate, session_id=session.id, user_id=session.user_id)
    await asyncio.gather(*(ask() for _ in range(9)))
    await postgresql.execute(TERMINATE)

    after = [(await ask()).actor for _ in range(40)]
    switches: list[Any] = []
    greenlet.settrace(lambda *switch: switches.append(switch))
    try:
        later = [(await ask()).actor for _ in range(20)]
    finally:
        greenlet.settrace(None)

    assert all([*after, *later])
    assert switches == []


async def test_rl06_without_a_window_a_rotation_is_not_tried_again(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    await postgresql.execute(TERMINATE)

    with pytest.raises(StoreUnavailable):
        await postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(0), trace=HERE)

    assert isinstance(await postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(0), trace=HERE), Advanced)


async def test_a_backend_that_dies_in_a_unit_of_work_takes_the_work_with_it(postgresql: Postgresql) -> None:
    with pytest.raises(StoreUnavailable):
        async with postgresql.store.begin() as work:
            await work.users.add(a_user("lost"))
            await postgresql.execute(TERMINATE)
            await work.commit()

    assert await postgresql.store.live.find_by_username(Username("lost")) is None


async def test_rl04_a_database_that_became_read_only_is_away_until_it_is_not(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    await postgresql.databases.configure(postgresql.url, "SET default_transaction_read_only = on")
    await postgresql.execute(TERMINATE)

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(seconds=30), trace=HERE)
        with pytest.raises(StoreUnavailable):
            await a_stored_user(postgresql.store, a_user("other"))

    await postgresql.databases.configure(postgresql.url, "RESET default_transaction_read_only")
    outcome = await postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(seconds=30), trace=HERE)
    assert isinstance(outcome, Advanced)


async def test_f05_who_leave_a_server_at_once_leave_it_once_and_keep_no_connection_to_it(postgresql: Postgresql) -> None:
    reach, engine, first_has_left = Reach(postgresql.engine), postgresql.engine.sync_engine, asyncio.Event()
    ask = partial(postgresql.store.live.find_by_username, Username("johndoe"))
    event.listen(engine, "engine_disposed", lambda _: first_has_left.set())

    async with asyncio.timeout(10):
        await asyncio.gather(*(ask() for _ in range(9)))
        leaving = [asyncio.create_task(reach.leave_server()) for _ in range(5)]
        await first_has_left.wait()
        successor = engine.pool
        await asyncio.gather(*leaving, *(ask() for _ in range(9)))

    assert engine.pool is successor
    [held] = await postgresql.databases.fetch(postgresql.url, HELD)
    assert held["connections"] == successor.checkedin() == 2  # type: ignore[attr-defined]


async def test_f05_a_server_that_took_the_place_of_one_that_was_left_can_be_left_too(postgresql: Postgresql) -> None:
    reach, engine = Reach(postgresql.engine), postgresql.engine.sync_engine
    await reach.leave_server()
    successor = engine.pool
    await reach.leave_server()

    assert engine.pool is not successor


async def test_f05_who_is_given_up_while_leaving_a_server_leaves_it_to_the_next(postgresql: Postgresql) -> None:
    reach, engine = Reach(postgresql.engine), postgresql.engine.sync_engine
    await postgresql.store.live.find_by_username(Username("johndoe"))
    left, leaving = engine.pool, asyncio.create_task(reach.leave_server())
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert engine.pool is left

    await reach.leave_server()

    assert engine.pool is not left


async def test_several_hosts_of_which_none_takes_writes_are_away_until_one_does(databases: Databases) -> None:
    one = make_url(await databases.make())
    host, port = str(one.host or one.query["host"]), one.port or 5432
    several = f"postgresql://{one.username}:{one.password or ''}@/{one.database}?host={host},{host}&port={port}"
    store = SqlStore(open_engine(several, pool_size=2), FakeClock(), Lifetimes())
    await databases.configure(one.render_as_string(), "SET default_transaction_read_only = on")

    with pytest.raises(StoreUnavailable):
        await store.live.find_by_username(Username("johndoe"))
    with pytest.raises(StoreUnavailable):
        await a_stored_user(store)

    await databases.configure(one.render_as_string(), "RESET default_transaction_read_only")
    await a_stored_user(store)
    await store.close()


async def test_rl02_an_answer_that_was_lost_can_be_asked_for_however_long_the_database_was_away(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    token, window = a_token(session, secret), timedelta(seconds=1)
    await postgresql.store.live.rotate(token, grace=window, trace=HERE)  # and the answer is lost
    await postgresql.databases.configure(postgresql.url, "SET default_transaction_read_only = on")
    await postgresql.execute(TERMINATE)
    with pytest.raises(StoreUnavailable):
        await postgresql.store.live.rotate(token, grace=window, trace=HERE)
    await asyncio.sleep(1.2)
    await postgresql.databases.configure(postgresql.url, "RESET default_transaction_read_only")

    outcome = await postgresql.store.live.rotate(token, grace=window, trace=HERE)

    assert isinstance(outcome, Repeated)


async def test_rl02_who_was_told_to_come_later_is_served_though_the_commit_came_long_after_the_rotation(
    postgresql: Postgresql,
) -> None:
    session, secret = await a_stored_session(postgresql.store)
    token, window = a_token(session, secret), timedelta(seconds=1)
    stopping = await asyncpg.connect(postgresql.url)

    async with stopping.transaction():
        await stopping.execute("UPDATE sessions SET counter = 1, rotated_at = now(), outcome = 'advanced'")
        with pytest.raises(StoreUnavailable):
            await postgresql.store.live.rotate(token, grace=window, trace=HERE)
        await postgresql.store.live.find_by_username(Username("johndoe"))  # storage is not away
        await asyncio.sleep(0.5)
    await stopping.close()
    outcome = await postgresql.store.live.rotate(token, grace=window, trace=HERE)

    assert isinstance(outcome, Repeated)


async def test_a_clock_of_the_database_that_was_set_makes_a_rotation_look_late_once_and_refuses_nobody(
    postgresql: Postgresql,
) -> None:
    session, secret = await a_stored_session(postgresql.store)
    shift = 0.0
    live = _on_its_own(postgresql, Deadlines(lambda: time.monotonic() + shift))
    await live.read_key_ring()
    shift = -3600.0  # as if an hour less had passed here than there

    outcome = await live.rotate(a_token(session, secret), grace=timedelta(seconds=30), trace=HERE)

    assert isinstance(outcome, Advanced)


async def test_a_rotation_that_is_too_late_changes_nothing_and_says_come_again(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    live = _on_its_own(postgresql, Deadlines(_ever_earlier()))
    await live.read_key_ring()

    for counter in (0, 3):
        with pytest.raises(StoreUnavailable):
            await live.rotate(a_token(session, secret, counter=counter), grace=timedelta(seconds=30), trace=HERE)

    async with postgresql.store.begin() as work:
        assert await work.sessions.get(session.id) == session


async def test_a_token_of_no_live_session_is_refused_and_not_told_to_come_again(postgresql: Postgresql) -> None:
    session, secret = await a_stored_session(postgresql.store)
    await postgresql.store.live.read_key_ring()
    await postgresql.store.live.end_session(session.id, reason=EndReason.LOGOUT)

    outcome = await postgresql.store.live.rotate(a_token(session, secret), grace=timedelta(seconds=30), trace=HERE)

    assert outcome == Unknown()


async def test_rl05_a_lock_that_is_not_given_is_waited_for_half_a_second(postgresql: Postgresql) -> None:
    await a_stored_user(postgresql.store)
    blocking = await asyncpg.connect(postgresql.url.replace("+asyncpg", ""))

    async with blocking.transaction():
        await blocking.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(3):
            with pytest.raises(StoreUnavailable):
                await postgresql.store.live.find_by_username(Username("johndoe"))
    await blocking.close()

    assert await postgresql.store.live.find_by_username(Username("johndoe"))


async def test_rl05_a_full_pool_from_which_nobody_comes_back_is_waited_for_a_second(postgresql: Postgresql) -> None:
    async with postgresql.store.begin() as one, postgresql.store.begin() as other:
        for work in (one, other):
            await work.users.lock_by_username(Username("nobody"))
        async with asyncio.timeout(4):
            with pytest.raises(StoreUnavailable):
                await postgresql.store.live.find_by_username(Username("johndoe"))

    assert await postgresql.store.live.find_by_username(Username("johndoe")) is None


async def test_callers_are_found_while_all_who_write_wait_for_the_database(databases: Databases) -> None:
    url = await databases.make()
    async with AsyncExitStack() as stack:
        store = SqlStore(open_engine(url, pool_size=4), FakeClock(), Lifetimes())
        stack.push_async_callback(store.close)
        session, _ = await a_stored_session(store)
        blocking = await databases.connect(url)
        stack.push_async_callback(blocking.close)
        await blocking.execute("BEGIN; LOCK TABLE sessions IN EXCLUSIVE MODE")  # who writes waits, who reads does not
        writing = [asyncio.create_task(store.live.mark_seen([session.id])) for _ in range(20)]
        stack.push_async_callback(asyncio.wait, writing)
        await asyncio.sleep(0.1)

        found = [await store.live.authenticate(session_id=session.id, user_id=session.user_id) for _ in range(9)]

        assert all(each.actor for each in found)
        assert not any(task.done() for task in writing)
        await blocking.execute("ROLLBACK")


async def test_rl05_a_statement_is_waited_for_two_seconds(postgresql: Postgresql) -> None:
    await postgresql.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$ LANGUAGE plpgsql;"
        " CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION dawdle()"
    )

    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable):
            await a_stored_user(postgresql.store)

    assert await postgresql.store.live.find_by_username(Username("johndoe")) is None


async def test_rl01_a_database_that_takes_no_connections_for_now_is_away(postgresql: Postgresql) -> None:
    await postgresql.databases.configure(postgresql.url, "ALLOW_CONNECTIONS false")

    with pytest.raises(StoreUnavailable):
        await postgresql.store.live.find_by_username(Username("johndoe"))

    await postgresql.databases.configure(postgresql.url, "ALLOW_CONNECTIONS true")
    assert await postgresql.store.live.find_by_username(Username("johndoe")) is None


@pytest.mark.parametrize(
    ("setting", "value"), [("synchronous_commit", "on"), ("idle_in_transaction_session_timeout", "5s")], ids=lambda text: text
)
async def test_rl03_rl05_the_database_waits_for_commits_and_not_for_idle_work(
    postgresql: Postgresql, setting: str, value: str
) -> None:
    await postgresql.databases.configure(postgresql.url, f"SET {setting} = 0")
    engine = open_engine(postgresql.url, pool_size=1)
    async with engine.connect() as connection:
        told = (await connection.exec_driver_sql(f"SHOW {setting}")).scalar()
    await engine.dispose()

    assert told == value


async def test_a_database_that_is_gone_is_away(postgresql: Postgresql) -> None:
    await postgresql.store.live.find_by_username(Username("johndoe"))
    await postgresql.databases.drop(postgresql.url)

    with pytest.raises(StoreUnavailable):
        await postgresql.store.live.find_by_username(Username("johndoe"))
    with pytest.raises(StoreUnavailable):
        await a_stored_user(postgresql.store)


async def test_pw09_a_better_hash_that_cannot_be_stored_does_not_fail_the_log_in(postgresql: Postgresql) -> None:
    user = await a_stored_user(postgresql.store, a_user(password_hash="old:x"))
    await postgresql.execute(
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$ LANGUAGE plpgsql;"
        " CREATE TRIGGER refuse BEFORE UPDATE OF password_hash ON users FOR EACH ROW EXECUTE FUNCTION refuse()"
    )

    async with postgresql.store.begin() as work:
        await work.users.upgrade_password(user.id, old=user.password_hash, new=PasswordHash("new:x"))
        opened = await work.sessions.open(a_new_session(user))
        await work.commit()

    assert opened is not None
    assert await postgresql.store.live.find_by_username(user.username) == user


def _on_its_own(postgresql: Postgresql, deadlines: Deadlines) -> SqlLiveStatements:
    engine = postgresql.engine
    return SqlLiveStatements(engine, Reach(engine), StoreTime(engine, FakeClock()), Lifetimes(), deadlines)


def _ever_earlier() -> Callable[[], float]:
    """A watch that goes backwards by a minute at each look: by it every deadline is over before it is set."""
    looks = iter(range(0, -6000, -60))
    return lambda: float(next(looks))
