"""For a pooler that gives connections to the server for a transaction at a time. `make pooler` tries a real one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.engines import open_engine
from adapters.sql.migrate import TURN, newest_revision, upgrade
from adapters.sql.store import SqlStore
from domain.session import Advanced, Lifetimes
from tests.databases import Databases
from tests.examples import HERE, a_stored_session, a_token
from tests.fakes import FakeClock

LEFT_BEHIND = {
    "prepared statements": "SELECT count(*) FROM pg_prepared_statements",
    "settings": "SELECT count(*) FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction%'",
    "settings of the client": "SELECT count(*) FROM pg_settings WHERE source = 'client' AND name LIKE '%timeout%'",
    "locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    "channels": "SELECT count(*) FROM pg_listening_channels()",
}
LIMITS = {
    "statement_timeout": "2000",
    "lock_timeout": "500",
    "idle_in_transaction_session_timeout": "5000",
}


@pytest.fixture
async def url(databases: Databases) -> str:
    return f"{await databases.make()}&pooler=transaction"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    made = open_engine(url, pool_size=1)
    yield made
    await made.dispose()


@pytest.fixture
def store(engine: AsyncEngine) -> SqlStore:
    return SqlStore(engine, FakeClock(), Lifetimes())


@pytest.mark.parametrize("what", LEFT_BEHIND)
async def test_nothing_is_left_behind_on_a_connection(store: SqlStore, engine: AsyncEngine, what: str) -> None:
    session, secret = await a_stored_session(store)
    outcome = await store.live.rotate(a_token(session, secret), grace=timedelta(seconds=30), trace=HERE)
    async with store.begin() as work:
        await work.claim("act")
        await work.commit()

    async with engine.connect() as connection:
        left = (await connection.execute(text(LEFT_BEHIND[what]))).scalar_one()

    assert isinstance(outcome, Advanced)
    assert left == 0, what


async def test_what_the_role_lacks_is_told_until_it_has_it(
    store: SqlStore, engine: AsyncEngine, url: str, databases: Databases
) -> None:
    lacking = await store.unbounded()
    for name, value in LIMITS.items():
        await databases.configure(url, f"SET {name} = '{value}'")
    await engine.dispose()  # what is set so holds for the next connection

    assert lacking is not None
    assert lacking.settings == LIMITS
    assert await store.unbounded() is None


@pytest.mark.parametrize(
    ("name", "value"), [("lock_timeout", "0"), ("statement_timeout", "2001"), ("synchronous_commit", "off")]
)
async def test_a_limit_that_is_none_or_too_wide_is_told(
    store: SqlStore, url: str, databases: Databases, name: str, value: str
) -> None:
    for each, limit in {**LIMITS, name: value}.items():
        await databases.configure(url, f"SET {each} = '{limit}'")

    lacking = await store.unbounded()

    assert lacking is not None
    assert list(lacking.settings) == [name]


async def test_directly_nothing_is_lacking_whatever_the_database_has(databases: Databases) -> None:
    url = await databases.make()
    await databases.configure(url, "SET synchronous_commit = 'off'")
    direct = SqlStore(open_engine(url, pool_size=1), FakeClock(), Lifetimes())

    assert await direct.unbounded() is None
    await direct.close()


async def test_a_migration_is_held_to_no_limit_of_the_role(databases: Databases) -> None:
    url = f"{await databases.make(migrated=False)}&pooler=transaction"
    await databases.configure(url, "SET statement_timeout = '1s'")
    another = await databases.connect(url)
    await another.execute("SELECT pg_advisory_lock($1)", TURN)

    migrating = asyncio.create_task(upgrade(url))
    await asyncio.sleep(1.5)
    await another.close()

    assert await migrating == (None, newest_revision())
