"""Remove what ended long ago."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, final

from application.ports.unit_of_work import Store, UnitOfWork
from domain.session import Lifetimes, SweepPosition

MOST_IN_A_BATCH = 500


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How many of each were removed."""

    sessions: int = 0
    revocations: int = 0
    signing_keys: int = 0

    def __add__(self, other: Self) -> "Purged":
        return Purged(
            sessions=self.sessions + other.sessions,
            revocations=self.revocations + other.revocations,
            signing_keys=self.signing_keys + other.signing_keys,
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeExpired:
    """Remove sessions that have been over, and signing keys that have been retired, for as long as such things are kept; and
    revocations and counts that decide nothing any more.

    Batch by batch, each lasting once it is told of: broken off, it goes on where it stopped. What is removed was refused
    already, and is refused alike afterwards, as unknown. A key that was compromised stays known, so that nobody imports it
    again. Raises `UnderWayElsewhere` while another process is at it.
    """

    store: Store
    lifetimes: Lifetimes

    async def __call__(self) -> AsyncGenerator[Purged, None]:
        removed = MOST_IN_A_BATCH
        while removed == MOST_IN_A_BATCH:
            async with self._batch() as work:
                removed = await work.revocations.remove_expired(limit=MOST_IN_A_BATCH)
            yield Purged(revocations=removed)
        removed = MOST_IN_A_BATCH
        while removed == MOST_IN_A_BATCH:
            async with self._batch() as work:
                removed = await work.sessions.remove_ended(limit=MOST_IN_A_BATCH)
            yield Purged(sessions=removed)
        position: SweepPosition | None = None
        while True:
            async with self._batch() as work:
                swept = await work.sessions.remove_expired(after=position, limit=MOST_IN_A_BATCH)
            yield Purged(sessions=swept.removed)
            if swept.upto is None:
                break
            position = swept.upto
        yield Purged(signing_keys=await self._forget_keys(self.lifetimes.kept))
        while await self.store.throttle.forget_idle(limit=MOST_IN_A_BATCH) >= MOST_IN_A_BATCH:
            yield Purged()  # counts that decide nothing any more are not told of: there are as many as there were requests

    @asynccontextmanager
    async def _batch(self) -> AsyncIterator[UnitOfWork]:
        async with self.store.begin() as work:
            await work.claim("purge")
            yield work
            await work.commit()

    async def _forget_keys(self, kept: timedelta) -> int:
        if not (await self.store.live.read_key_ring()).forgettable(kept):
            return 0
        async with self._batch() as work:
            forgettable = (await work.signing_keys.lock()).forgettable(kept)
            await work.signing_keys.remove(forgettable)
        return len(forgettable)
