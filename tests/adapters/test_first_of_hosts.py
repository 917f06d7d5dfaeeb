"""Several hosts: one has gone dark, one refuses, and one is the database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from adapters.sql.first_of_hosts import connect_to_the_first
from tests.databases import Databases

TIMEOUT = 1.5


@pytest.fixture
async def dark(tmp_path: Path) -> AsyncIterator[str]:
    """A host that takes connections, and never says a word."""
    connected: list[asyncio.StreamWriter] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)

    server = await asyncio.start_unix_server(take, tmp_path / ".s.PGSQL.5432")
    yield str(tmp_path)
    server.close()
    for writer in connected:
        writer.transport.abort()


@pytest.fixture
async def database(databases: Databases) -> URL:
    return make_url(await databases.make())


async def _connect(database: URL, *others: str, attributes: str = "read-write") -> asyncpg.Connection:
    there = str(database.host or database.query["host"])
    return await connect_to_the_first(
        host=[*others, there],
        port=[5432] * len(others) + [database.port or 5432],
        user=database.username,
        password=database.password,
        database=database.database,
        timeout=TIMEOUT,
        target_session_attrs=attributes,
    )


async def test_a_host_that_has_gone_dark_does_not_hide_the_one_behind_it(database: URL, dark: str) -> None:
    connection = await _connect(database, dark, "/nowhere")

    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_a_server_that_takes_no_writes_is_not_taken(database: URL, databases: Databases) -> None:
    await databases.configure(database.render_as_string(hide_password=False), "SET default_transaction_read_only = on")

    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await _connect(database, "/nowhere")


async def test_where_none_answers_the_error_is_that_of_the_last_to_fail(dark: str) -> None:
    with pytest.raises(TimeoutError):
        await connect_to_the_first(host=["/nowhere", dark], port=[5432, 5432], user="x", timeout=0.2)


async def test_of_two_that_will_do_one_is_let_go(database: URL) -> None:
    there = str(database.host or database.query["host"])

    connection = await _connect(database, there)

    found = 0
    for _ in range(50):
        found = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        if found == 1:
            break
        await asyncio.sleep(0.05)
    assert found == 1
    await connection.close()
