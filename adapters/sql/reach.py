"""Reaching a database that may be away."""

import asyncio
from types import TracebackType
from typing import Any, cast, final

import structlog
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, Pool, QueuePool

from adapters.sql.errors import READ_ONLY, as_unavailable, sqlstate
from adapters.sql.outages import Outages
from adapters.sql.waiting import FewerPlaces, Wait, WaitingLine

_KEPT_TO_READ = 4  # one place in so many
SECONDS_IN_ALL = 4  # for a connection and the statements together, whatever each may take, if storage answers nobody meanwhile


@final
class Reach:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        places = cast("QueuePool", engine.pool).size()
        self._all = WaitingLine(places)
        self._to_write = FewerPlaces(self._all, places - places // _KEPT_TO_READ)
        self._log: Any = structlog.get_logger("portunus.storage")
        self.outages = Outages()
        self._left: Pool | None = None
        event.listen(engine.sync_engine, "handle_error", _part_with_a_server_that_was_demoted)

    def translating(self) -> "_Attempt":
        """Waits for a connection to be free; turns what says "storage is away" into `Unavailable`, and lets bugs travel."""
        return _Attempt(self, self._to_write)

    def reading(self) -> "_Attempt":
        """The same for what writes nothing, to which some connections are kept: to store may take long, where disks do."""
        return _Attempt(self, self._all)

    def failed(self, error: Exception, *, since: float) -> None:
        """Raises what to answer; returns if it is a bug."""
        unavailable = as_unavailable(error)
        if unavailable is not None:
            self.outages.failed(since=since)
            self._log.warning(unavailable.code, error=type(error).__name__, sqlstate=sqlstate(error) or None)
            raise unavailable from error

    async def leave_server(self) -> None:
        """Let go of every connection, of those in use as they come back: the next ones may lead to another server."""
        left = self._engine.sync_engine.pool
        if left is self._left:
            return  # to somebody else: to dispose of a pool twice is to drop its successor, whose connections nobody closes
        self._left = left
        try:
            await self._engine.dispose()
        except BaseException:  # a request that was given up gives up what it does here: somebody else is to leave
            self._left = None
            raise
        event.listen(left, "checkin", _close)  # only now: the new pool would inherit it


@final
class _Attempt:
    """A class, since a generator costs three times as much, and a request has one of these or several."""

    __slots__ = ("_began", "_limit", "_line", "_reach")

    def __init__(self, reach: Reach, line: WaitingLine | FewerPlaces) -> None:
        self._reach = reach
        self._line = line
        self._began = reach.outages.now()

    async def __aenter__(self) -> Wait:
        try:
            wait = await self._line.__aenter__()
        except Exception as error:
            self._reach.failed(error, since=self._began)
            raise
        self._limit = asyncio.timeout(SECONDS_IN_ALL - wait.silence)
        await self._limit.__aenter__()
        return wait

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._limit.__aexit__(kind, error, traceback)
        except TimeoutError as late:
            error = late
        finally:
            await self._line.__aexit__()
        if error is None:
            self._reach.outages.succeeded()
            self._line.answered()
        elif isinstance(error, Exception):
            self._reach.failed(error, since=self._began)


def _close(connection: Any, record: ConnectionPoolEntry) -> None:
    if connection is not None:
        record.invalidate()


def _part_with_a_server_that_was_demoted(context: ExceptionContext) -> None:
    """The driver takes "read-only" for no disconnect. So it is one: this connection is closed, older ones before their use."""
    if context.sqlalchemy_exception is not None and sqlstate(context.sqlalchemy_exception) == READ_ONLY:
        context.is_disconnect = True
