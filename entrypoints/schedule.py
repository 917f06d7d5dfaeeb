"""What a server process does now and then, beside answering."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog

from domain.errors import Unavailable


async def repeat(*acts: Callable[[], Awaitable[Any]], every: timedelta) -> None:
    """Do each of `acts` in turn, over and over, until cancelled. One that fails is logged, and tried again the next time."""
    log = structlog.get_logger("portunus.schedule")
    while True:
        await asyncio.sleep(every.total_seconds())
        for act in acts:
            name = type(act).__name__
            try:
                await act()
            except Unavailable as reason:
                log.warning("postponed", act=name, code=reason.code)
            except Exception:
                log.exception("failed", act=name)
