"""How many requests are served at once."""

import math
import time
from typing import Any, final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.middleware import refuse
from entrypoints.http.problems import AT_CAPACITY

ALWAYS_ANSWERED = "/health/live"
_SECONDS_BETWEEN_WORDS = 10


@final
class RequestsAtOnce:
    """Serves `most` requests at once. One more is told to come back, before its body is read. A process says that it lives."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._under_way = 0
        self._refused = 0
        self._said_at = -math.inf
        self._log: Any = structlog.get_logger("portunus.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most:
            self._tell()
            await refuse(AT_CAPACITY, scope, receive, send, has_body=True)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    def _tell(self) -> None:
        """Once in a while: what there is too much of is not to fill the log as well."""
        self._refused += 1
        if time.monotonic() - self._said_at >= _SECONDS_BETWEEN_WORDS:
            self._log.warning("at_capacity", refused=self._refused)
            self._refused, self._said_at = 0, time.monotonic()
