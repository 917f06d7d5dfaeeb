"""Reaching a database that may be away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast, final

import structlog
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from adapters.sql.errors import READ_ONLY, as_unavailable, sqlstate
from adapters.sql.outages import Outages
from adapters.sql.waiting import Turn, WaitingLine

SECONDS_IN_ALL = 4  # for a connection and the statements together, whatever each may take, if storage answers nobody meanwhile


@final
class Reach:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._line = WaitingLine(cast("QueuePool", engine.pool).size())
        self._log: Any = structlog.get_logger("portunus.storage")
        self.outages = Outages()
        event.listen(engine.sync_engine, "handle_error", _part_with_a_server_that_was_demoted)

    @asynccontextmanager
    async def translating(self) -> AsyncIterator[Turn]:
        """Waits for a connection to be free; turns what says "storage is away" into `Unavailable`, and lets bugs travel."""
        began = self.outages.now()
        try:
            async with self._line.turn() as turn, asyncio.timeout(SECONDS_IN_ALL - turn.silence):
                yield turn
            self.outages.succeeded()
            self._line.answered()
        except Exception as error:
            unavailable = as_unavailable(error)
            if unavailable is None:
                raise
            self.outages.failed(since=began)
            self._log.warning(unavailable.code, error=type(error).__name__, sqlstate=sqlstate(error) or None)
            raise unavailable from error

    async def leave_server(self) -> None:
        """Let go of every connection, of those in use as they come back: the next ones may lead to another server."""
        left = self._engine.sync_engine.pool
        await self._engine.dispose()
        event.listen(left, "checkin", _close)  # only now: the new pool would inherit it


def _close(connection: Any, record: ConnectionPoolEntry) -> None:
    if connection is not None:
        record.invalidate()


def _part_with_a_server_that_was_demoted(context: ExceptionContext) -> None:
    """The driver takes "read-only" for no disconnect. So it is one: this connection is closed, older ones before their use."""
    if context.sqlalchemy_exception is not None and sqlstate(context.sqlalchemy_exception) == READ_ONLY:
        context.is_disconnect = True
