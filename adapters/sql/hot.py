"""The hottest statements, on the driver itself: put together once, from the same tables, and run without SQLAlchemy."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, final

import asyncpg
from sqlalchemy import Dialect, Select, TextClause
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate
from sqlalchemy.types import NULLTYPE

from adapters.sql.engines import StoreTime
from adapters.sql.errors import READ_ONLY
from adapters.sql.rivals import again_after

# Of text on PostgreSQL only, whose answers tell their names.
HotStatement = Select[Any] | ReturningInsert[Any] | ReturningUpdate[Any] | TextClause
_OF_A_STATEMENT = (asyncpg.PostgresError, sqlite3.Error)  # its connection is as good as before


@final
@dataclass(frozen=True, slots=True)
class _Given:
    name: str

    def of(self, values: Mapping[str, Any], _: datetime) -> Any:
        return values[self.name]


@final
@dataclass(frozen=True, slots=True)
class _Moment:
    span: Any
    sign: int

    def of(self, values: Mapping[str, Any], now: datetime) -> datetime:
        span: timedelta = values[self.span.name] if isinstance(self.span, _Given) else self.span
        return now + self.sign * span


def given(name: str) -> Any:
    """Stands in a statement for a value that comes with each run of it."""
    return _Given(name)


def of_each_run(time: StoreTime) -> StoreTime:
    """The same time for such a statement: where it is the Clock's, it is asked at each run."""
    return time.told_by(_Moment)


def row_type(names: Sequence[str]) -> Any:
    """Rows whose values go by these names, too."""
    return type("Row", (tuple,), {name: property(itemgetter(place)) for place, name in enumerate(names)})


@final
class _Ready:
    """What SQLAlchemy makes of a statement: its text, what goes into its places, and what comes out of its columns."""

    def __init__(self, statement: HotStatement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text: str = compiled.string
        comes_later = isinstance(statement, TextClause)  # each of its values, with each run
        self._places = [_Given(name) if comes_later else compiled.params[name] for name in compiled.positiontup]
        self._row: Any = None
        self._to_driver: dict[int, Callable[[Any], Any]] = {}
        self._from_driver: dict[int, Callable[[Any], Any]] = {}
        if dialect.name == "sqlite" and not isinstance(statement, TextClause):
            # PostgreSQL's driver speaks the types of the columns, none of which SQLAlchemy would turn into another for it.
            columns = list(statement.exported_columns)
            self._row = row_type([column.name for column in columns])
            told_as = [column.type.dialect_impl(dialect) for column in columns]
            self._from_driver = _adapting(kind.result_processor(dialect, None) for kind in told_as)
            # The members of a list have no type of their own: there are lists of digests only, which are bytes.
            given_as = [compiled.binds[name].type if name in compiled.binds else NULLTYPE for name in compiled.positiontup]
            self._to_driver = _adapting(kind.dialect_impl(dialect).bind_processor(dialect) for kind in given_as)

    def arguments(self, values: Mapping[str, Any], now: datetime) -> list[Any]:
        found = [place.of(values, now) if isinstance(place, (_Given, _Moment)) else place for place in self._places]
        for place, adapt in self._to_driver.items():
            found[place] = adapt(found[place])
        return found

    def rows(self, found: Sequence[Any]) -> Sequence[Any]:
        if found and self._row is None:
            self._row = row_type(list(found[0].keys()))
        return [self._row(self._adapted(row)) for row in found]

    def _adapted(self, found: Sequence[Any]) -> Sequence[Any]:
        if not self._from_driver:
            return found
        row = list(found)
        for place, adapt in self._from_driver.items():
            row[place] = adapt(row[place])
        return row


def _adapting(adapters: Iterable[Callable[[Any], Any] | None]) -> dict[int, Callable[[Any], Any]]:
    return {place: adapt for place, adapt in enumerate(adapters) if adapt}


@final
class HotStatements:
    """Runs each by itself, on a connection of the engine's own pool, with which it parts as the engine would, or in a work."""

    def __init__(self, engine: AsyncEngine, time: StoreTime) -> None:
        self._engine = engine
        self._time = time
        self._ready: dict[str, _Ready] = {}
        self._may_connect = 0  # so many checkouts

    async def fetch(
        self, name: str, make: Callable[[], HotStatement], values: Mapping[str, Any], *, replay: bool = True
    ) -> Sequence[Any]:
        """Run what `make` makes under a name for the first time; once more if a connection turned out to be dead.

        Again, too, if a rival's made the database roll it back.
        """
        ready = self._prepared(name, make)
        arguments = ready.arguments(values, self._time.by_clock())
        try:
            found = await self._fetch(ready.text, arguments)
        except _ConnectionLost as lost:
            if not replay:
                raise lost.cause from None
            found = await self._again(ready.text, arguments)
        except asyncpg.PostgresError as error:
            found = await again_after(error, lambda: self._again(ready.text, arguments))
        return ready.rows(found)

    async def fetch_within(
        self, connection: AsyncConnection, name: str, make: Callable[[], HotStatement], values: Mapping[str, Any]
    ) -> Sequence[Any]:
        """The same within a transaction: once, and what goes wrong is the transaction's."""
        ready = self._prepared(name, make)
        arguments = ready.arguments(values, self._time.by_clock())
        found = (await connection.exec_driver_sql(ready.text, tuple(arguments))).all()
        return ready.rows(found) if self._engine.dialect.name == "sqlite" else found

    def _prepared(self, name: str, make: Callable[[], HotStatement]) -> _Ready:
        ready = self._ready.get(name)
        if ready is None:
            ready = self._ready[name] = _Ready(make(), self._engine.dialect)
        return ready

    async def _again(self, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        try:
            return await self._fetch(text, arguments)
        except _ConnectionLost as lost:
            raise lost.cause from None

    async def _fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        pool = self._engine.sync_engine.pool
        pooled = self._free_connection(pool) or await self._connection()
        driver: Any = pooled.driver_connection
        try:
            return await _fetch(driver, text, arguments)
        except BaseException as error:
            is_lost = isinstance(driver, asyncpg.Connection) and driver.is_closed()
            if is_lost or getattr(error, "sqlstate", None) == READ_ONLY:
                pool._invalidate(pooled, error)  # as the engine does: older ones are closed before their use
                if isinstance(error, Exception):
                    raise _ConnectionLost(error) from error
            elif not isinstance(error, _OF_A_STATEMENT):
                pooled.invalidate(error)  # it may be amid an answer
            raise
        finally:
            pooled.close()

    def _free_connection(self, pool: Any) -> PoolProxiedConnection | None:
        """One that is there to be taken: without the greenlet that SQLAlchemy would wait in, if it had to connect."""
        if self._may_connect or not pool.checkedin():
            self._may_connect = max(self._may_connect - 1, 0)
            return None
        try:
            taken: PoolProxiedConnection = pool.connect()
        except MissingGreenlet:  # it is to be replaced, and so may the others be, which take turns
            self._may_connect = pool.size()
            return None
        return taken

    async def _connection(self) -> PoolProxiedConnection:
        try:
            return await self._engine.raw_connection()
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise error.__cause__ or error from None


async def _fetch(driver: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
    if isinstance(driver, asyncpg.Connection):
        found: Sequence[Any] = await driver.fetch(text, *arguments)
    else:
        found = await driver.execute_fetchall(text, arguments)  # one trip to the connection's thread
    return found


class _ConnectionLost(Exception):
    def __init__(self, cause: Exception) -> None:
        self.cause = cause
