"""The hottest statements on PostgreSQL's driver itself: put together once, from the same tables, and run without SQLAlchemy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, final

import asyncpg
from sqlalchemy import Dialect, Select, TextClause
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from adapters.sql.errors import READ_ONLY
from adapters.sql.rivals import again_after

HotStatement = Select[Any] | TextClause


@final
@dataclass(frozen=True, slots=True)
class _Given:
    name: str


def given(name: str) -> Any:
    """Stands in a statement for a value that comes with each run of it."""
    return _Given(name)


def row_type(names: Sequence[str]) -> Any:
    """Rows whose values go by these names, too."""
    return type("Row", (tuple,), {name: property(itemgetter(place)) for place, name in enumerate(names)})


@final
class _Ready:
    """The text that SQLAlchemy makes of a statement, what goes into its places, and what its rows are."""

    def __init__(self, statement: HotStatement, dialect: Dialect) -> None:
        # Values go to the driver as they are: none of these types is one that SQLAlchemy would turn into another for it.
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text: str = compiled.string
        comes_later = isinstance(statement, TextClause)  # each of its values, with each run
        self._places = tuple(_Given(name) if comes_later else compiled.params[name] for name in compiled.positiontup)
        self._row: Any = None

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[place.name] if type(place) is _Given else place for place in self._places]

    def rows(self, found: Sequence[asyncpg.Record]) -> Sequence[Any]:
        if found and self._row is None:
            self._row = row_type(list(found[0].keys()))
        return [self._row(row) for row in found]


@final
class HotStatements:
    """Runs each by itself, on a connection of the engine's own pool, with which it parts as the engine would."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._ready: dict[str, _Ready] = {}

    async def fetch(
        self, name: str, make: Callable[[], HotStatement], values: Mapping[str, Any], *, replay: bool = True
    ) -> Sequence[Any]:
        """Run what `make` makes under a name for the first time; once more if a connection turned out to be dead.

        Again, too, if a rival's made the database roll it back.
        """
        ready = self._ready.get(name)
        if ready is None:
            ready = self._ready[name] = _Ready(make(), self._engine.dialect)
        arguments = ready.arguments(values)
        try:
            found = await self._fetch(ready.text, arguments)
        except _ConnectionLost as lost:
            if not replay:
                raise lost.cause from None
            found = await self._again(ready.text, arguments)
        except asyncpg.PostgresError as error:
            found = await again_after(error, lambda: self._again(ready.text, arguments))
        return ready.rows(found)

    async def _again(self, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        try:
            return await self._fetch(text, arguments)
        except _ConnectionLost as lost:
            raise lost.cause from None

    async def _fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        pool, pooled = self._engine.sync_engine.pool, await self._connection()
        driver: Any = pooled.driver_connection
        try:
            rows: Sequence[Any] = await driver.fetch(text, *arguments)
        except BaseException as error:
            if driver.is_closed() or getattr(error, "sqlstate", None) == READ_ONLY:
                pool._invalidate(pooled, error)  # as the engine does: older ones are closed before their use
                if isinstance(error, Exception):
                    raise _ConnectionLost(error) from error
            elif not isinstance(error, asyncpg.PostgresError):
                pooled.invalidate(error)  # it may be amid an answer
            raise
        else:
            return rows
        finally:
            pooled.close()

    async def _connection(self) -> PoolProxiedConnection:
        try:
            return await self._engine.raw_connection()
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise error.__cause__ or error from None


class _ConnectionLost(Exception):
    def __init__(self, cause: Exception) -> None:
        self.cause = cause
