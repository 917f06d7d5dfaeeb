"""Opening a database, with every wait bounded, and telling its time: here SQLite and PostgreSQL differ most."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Interval, event, func, literal
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.sql.database_url import parse_database_url
from adapters.sql.first_of_hosts import connect_to_the_first
from adapters.sql.schema import UtcDateTime
from adapters.sql.tls import trust
from application.ports.clock import Clock

# Milliseconds. A request is answered within seconds whatever the database does.
LIMITS_OF_A_REQUEST = {
    "statement_timeout": "2000",
    "lock_timeout": "500",
    "idle_in_transaction_session_timeout": "5000",
}
# What was answered survives a crash, whatever the role or the database has by default.
_LASTING = {"synchronous_commit": "on"}
# Nothing of a session's: the next transaction may be on another connection of the server's. Its limits are the role's.
_BEHIND_A_POOLER = {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
_SECONDS_TO_CONNECT = 2
SECONDS_FOR_A_STATEMENT = 2.5  # beyond the server's own limit: for a server that does not answer at all
_SECONDS_FOR_A_PLACE_IN_THE_POOL = 2
_SECONDS_FOR_ANOTHERS_MIGRATION = 30  # SQLite has no queue but this wait; PostgreSQL has one of its own
_TURNS_IN_A_SECOND = 50


def open_engine(text: str, *, pool_size: int) -> AsyncEngine:
    """An engine whose every wait is bounded. Nothing is connected yet."""
    url = parse_database_url(text)
    if url.drivername == "sqlite+aiosqlite":
        # A second's write queue is far longer than a burst; four readers saturate one file.
        return _sqlite(url, pool_size=min(pool_size, 4), pool_timeout=_SECONDS_FOR_A_PLACE_IN_THE_POOL)
    return _postgresql(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_SECONDS_FOR_A_PLACE_IN_THE_POOL,
        limits=LIMITS_OF_A_REQUEST,
    )


def open_engine_for_migrations(text: str) -> AsyncEngine:
    """Statements may take long here; waiting for a lock that blocks the service may not."""
    url = parse_database_url(text)
    if url.drivername == "sqlite+aiosqlite":
        return _sqlite(url, wait=_SECONDS_FOR_ANOTHERS_MIGRATION, pool_size=1)
    return _postgresql(url, pool_size=1, limits={}, patience=None)


def _postgresql(
    url: URL, *, limits: Mapping[str, str], patience: float | None = SECONDS_FOR_A_STATEMENT, **pool: Any
) -> AsyncEngine:
    trusted = trust(url.query)
    return create_async_engine(
        url.difference_update_query(["pooler", *(("ssl", "sslrootcert") if trusted else ())]),
        hide_parameters=True,
        connect_args={
            "timeout": _SECONDS_TO_CONNECT,
            "command_timeout": patience,
            "async_creator_fn": connect_to_the_first,
            **({"ssl": trusted} if trusted else {}),
            **(_BEHIND_A_POOLER if "pooler" in url.query else {"server_settings": {**_LASTING, **limits}}),
        },
        **pool,
    )


def _sqlite(url: URL, *, wait: int = _SECONDS_TO_CONNECT, **pool: Any) -> AsyncEngine:
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": wait},
        # Else the driver begins by itself: too late, which loses updates, and without end for what is sent past SQLAlchemy.
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,  # nothing is left open that is not ended where it began
        max_overflow=0,
        **pool,
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def keep_from_others(*_: Any) -> None:
        # SQLite would make it readable by all. Its log gets the same mode; what else is wrong with the path SQLite says.
        with suppress(OSError):
            os.close(os.open(url.database or "", os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        _log_ahead(connection, wait)
        cursor.execute("PRAGMA synchronous = FULL")  # what was answered survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A single statement must not be wrapped: it would be told an outcome that is rolled back.
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _log_ahead(connection: Any, wait: int) -> None:
    """Switch to a write-ahead log, which SQLite refuses at once, without waiting, while another process is at the file."""
    for turns_left in range(wait * _TURNS_IN_A_SECOND, -1, -1):
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except OperationalError:
            if not turns_left:
                raise
        else:
            return
        finally:
            cursor.close()
        connection.run_async(lambda _: asyncio.sleep(1 / _TURNS_IN_A_SECOND))


class StoreTime:
    """The present, in a statement: the database's own on PostgreSQL, where several servers share it; else the Clock's."""

    def __init__(self, engine: AsyncEngine, clock: Clock, *, moment: Callable[[Any, int], Any] | None = None) -> None:
        self._engine = engine
        self._own = engine.dialect.name == "postgresql"
        self._clock = clock
        self._moment = moment or (lambda span, sign: clock.now() + sign * span)

    def told_by(self, moment: Callable[[Any, int], Any]) -> "StoreTime":
        """The same, where `moment` says what is to stand for the Clock's time and a span before or after it (-1, 1)."""
        return StoreTime(self._engine, self._clock, moment=moment)

    def by_clock(self) -> datetime:
        return self._clock.now()

    def now(self) -> ColumnElement[Any]:
        return func.now() if self._own else literal(self._moment(timedelta(0), 1), UtcDateTime)

    def this_moment(self) -> ColumnElement[Any]:
        """As `now`, but in a transaction not the time of its beginning: what waited for a lock is later."""
        return func.clock_timestamp() if self._own else self.now()

    def ago(self, span: timedelta) -> ColumnElement[Any]:
        return func.now() - literal(span, Interval) if self._own else literal(self._moment(span, -1), UtcDateTime)

    def ahead(self, span: timedelta) -> ColumnElement[Any]:
        return func.now() + literal(span, Interval) if self._own else literal(self._moment(span, 1), UtcDateTime)
