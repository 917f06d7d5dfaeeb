import asyncio
import sqlite3
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from adapters.sql.engines import open_engine
from adapters.sql.migrate import TURN, downgrade, newest_revision, require_no_drift, upgrade
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import SchemaOutdated, StoreUnavailable
from domain.session import Lifetimes
from domain.username import Username
from tests.databases import Databases
from tests.examples import a_stored_session
from tests.fakes import FakeClock


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/portunus.db"
    databases: Databases = request.getfixturevalue("databases")
    return await databases.make(migrated=False)


async def test_the_history_leads_to_the_schema(empty_database: str) -> None:
    await upgrade(empty_database)

    await require_no_drift(empty_database)


async def test_up_down_and_up_again(empty_database: str) -> None:
    newest = newest_revision()

    assert await upgrade(empty_database) == (None, newest)
    assert await downgrade(empty_database, "base") == (newest, None)
    assert await upgrade(empty_database) == (None, newest)
    await require_no_drift(empty_database)


async def test_upgrading_twice_is_upgrading_once(empty_database: str) -> None:
    await upgrade(empty_database)

    assert await upgrade(empty_database) == (newest_revision(), newest_revision())


async def test_rl09_four_that_start_at_once_take_turns(empty_database: str) -> None:
    done = await asyncio.gather(*(upgrade(empty_database) for _ in range(4)))

    assert sorted(done, key=str) == sorted([(None, newest_revision())] + [(newest_revision(),) * 2] * 3, key=str)


async def test_rl09_who_comes_while_another_migrates_waits_longer_than_a_request_would(databases: Databases) -> None:
    url = await databases.make()
    another = await asyncpg.connect(url)
    async with another.transaction():
        await another.execute(f"SELECT pg_advisory_xact_lock({TURN})")
        migrating = asyncio.create_task(upgrade(url))
        await asyncio.wait({migrating}, timeout=6)
        waited = not migrating.done()
    await another.close()

    assert waited
    assert await migrating == (newest_revision(), newest_revision())


async def test_rl09_a_lock_that_is_not_given_is_waited_for_two_seconds_and_nothing_is_changed(databases: Databases) -> None:
    url = await databases.make()
    holder = await asyncpg.connect(url)
    async with holder.transaction():
        await holder.execute("LOCK TABLE users IN ACCESS SHARE MODE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await downgrade(url, "base")
        waited = time.monotonic() - began
    await holder.close()

    assert 1.9 <= waited <= 10
    assert await upgrade(url) == (newest_revision(), newest_revision())
    await require_no_drift(url)


async def test_a_store_without_its_schema_says_what_to_run(empty_database: str) -> None:
    store = SqlStore(open_engine(empty_database, pool_size=2), FakeClock(), Lifetimes())

    with pytest.raises(SchemaOutdated, match="portunus migrate"):
        await store.require_ready()
    with pytest.raises(SchemaOutdated, match="portunus migrate"):
        await store.live.find_by_username(Username("johndoe"))

    await upgrade(empty_database)
    await store.require_ready()
    await store.close()


async def test_rl09_a_store_serves_on_the_schema_of_a_later_release_and_migrating_leaves_it_as_it_is(
    empty_database: str,
) -> None:
    await upgrade(empty_database)
    engine = open_engine(empty_database, pool_size=2)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size INTEGER DEFAULT 42 NOT NULL"))
        await connection.execute(text("UPDATE alembic_version SET version_num = 'of a later release'"))
    store = SqlStore(engine, FakeClock(), Lifetimes())

    await store.require_ready()
    session, _ = await a_stored_session(store)
    found = await store.live.authenticate(session_id=session.id, user_id=session.user_id)
    await store.close()

    assert found.actor is not None
    assert await upgrade(empty_database) == ("of a later release",) * 2


async def test_rl09_a_store_does_not_serve_on_the_schema_of_an_earlier_release(empty_database: str) -> None:
    await upgrade(empty_database)
    await downgrade(empty_database, "-1")
    store = SqlStore(open_engine(empty_database, pool_size=2), FakeClock(), Lifetimes())

    with pytest.raises(SchemaOutdated, match="portunus migrate"):
        await store.require_ready()

    await store.close()


async def test_a_migration_waits_for_a_sqlite_file_that_another_holds(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "portunus.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    migrating = asyncio.create_task(upgrade(f"sqlite:///{tmp_path}/portunus.db"))
    await asyncio.wait({migrating}, timeout=0.3)
    waited = not migrating.done()
    holder.close()

    assert waited
    assert await migrating == (None, newest_revision())
