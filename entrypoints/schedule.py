"""What a server process does now and then, beside answering."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from application.audit.seal_record import SealRecord
from application.ports.unit_of_work import UnderWayElsewhere
from application.upkeep.purge_expired import Purged, PurgeExpired
from domain.errors import Unavailable

T = TypeVar("T")

_SECONDS_OF_A_PAUSE = 0.02  # at least: SQLite has one writer at a time, and no queue
_PAUSES_FOR_A_BATCH = 4  # times as long as the batch took: at most a fifth of a processor of the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Acts that are done one after the other, every so often."""

    acts: tuple[Callable[[], Awaitable[Any]], ...]
    every: timedelta
    first_after: timedelta | None = None  # if that is sooner


async def repeat(job: Job) -> None:
    """Over and over, until cancelled. An act that fails is logged, and tried again the next time."""
    log = structlog.get_logger("portunus.schedule")
    await asyncio.sleep(min(job.every, job.first_after or job.every).total_seconds())
    while True:
        for act in job.acts:
            name = getattr(act, "__name__", type(act).__name__)
            try:
                await act()
            except Unavailable as reason:
                log.warning("postponed", act=name, code=reason.code)
            except Exception:
                log.exception("failed", act=name)
        await asyncio.sleep(job.every.total_seconds())


async def finish(act: Callable[[], Awaitable[Any]], *, name: str, within: timedelta) -> None:
    """Once more, when the process stops, which nothing may hold up. What cannot be done then is lost, and logged."""
    log = structlog.get_logger("portunus.schedule")
    try:
        async with asyncio.timeout(within.total_seconds()):
            await act()
    except (Unavailable, TimeoutError) as reason:
        log.warning("given_up", act=name, code=getattr(reason, "code", "too_slow"))
    except Exception:
        log.exception("failed", act=name)


async def with_pauses(batches: AsyncIterator[T]) -> AsyncIterator[T]:
    """After each a pause, in which the database is there for others alone."""
    now = asyncio.get_running_loop().time
    began = now()
    async for batch in batches:
        took = now() - began
        yield batch
        await asyncio.sleep(max(_SECONDS_OF_A_PAUSE, _PAUSES_FOR_A_BATCH * took))
        began = now()


def unless_elsewhere(act: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
    """For `repeat`: what one process at a time does. Where another is at it, that will do."""

    async def alone() -> None:
        with suppress(UnderWayElsewhere):
            await act()

    alone.__name__ = type(act).__name__
    return alone


def seal_by(seal_record: SealRecord, *, told_every: timedelta = timedelta(hours=1)) -> Callable[[], Awaitable[None]]:
    """An act for a job. Now and then the log has where the chain ends: whoever writes to the database cannot take that away."""
    told_at, known = float("-inf"), None

    async def seal() -> None:
        nonlocal told_at, known
        with suppress(UnderWayElsewhere):
            head, now = await seal_record(known=known), asyncio.get_running_loop().time()
            known = head or known
            if head and now - told_at >= told_every.total_seconds():
                structlog.get_logger("portunus.schedule").info("audit_head", head=str(head))
                told_at = now

    return seal


def purge_by(purge_expired: PurgeExpired) -> Callable[[], Awaitable[None]]:
    """An act for a job. Where another process is at it, that will do."""

    async def purge() -> None:
        removed = Purged()
        with suppress(UnderWayElsewhere):
            async for batch in with_pauses(purge_expired()):
                removed += batch
        if removed != Purged():
            structlog.get_logger("portunus.schedule").info("purged", **asdict(removed))

    return purge
