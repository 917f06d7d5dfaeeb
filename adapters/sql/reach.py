"""Reaching a database that may be away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.errors import READ_ONLY, as_unavailable, sqlstate


@final
class Reach:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._log: Any = structlog.get_logger("portunus.storage")

    @asynccontextmanager
    async def translating(self) -> AsyncIterator[None]:
        """Turns what says "storage is away" into `Unavailable`, and lets bugs travel."""
        try:
            yield
        except Exception as error:
            unavailable = as_unavailable(error)
            if unavailable is None:
                raise
            if sqlstate(error) == READ_ONLY:  # demoted, and the driver does not take it for a disconnect
                await self.leave_server()
            self._log.warning(unavailable.code, error=type(error).__name__, sqlstate=sqlstate(error) or None)
            raise unavailable from error

    async def leave_server(self) -> None:
        """Let go of every connection: the next ones may lead to another server."""
        await self._engine.dispose()
