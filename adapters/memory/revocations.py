"""Revocations in a dictionary."""

from dataclasses import dataclass
from datetime import datetime
from typing import final

from adapters.memory.tables import Overlay
from application.ports.clock import Clock
from domain.revocation import LINGER
from domain.session import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevocation:
    id: int
    session_id: SessionId | None = None
    kid: str | None = None
    until: datetime


@final
class MemoryRevocationRepository:
    """Units of work take turns, so the ids are in the order of the commits."""

    def __init__(self, entries: Overlay[int, StoredRevocation], newest: Overlay[int, int], clock: Clock) -> None:
        self._entries = entries
        self._newest = newest
        self._clock = clock

    async def withdraw_key(self, kid: str, *, until: datetime) -> None:
        self._add(StoredRevocation(id=self._next(), kid=kid, until=until + LINGER))

    async def remove_expired(self, *, limit: int) -> int:
        expired = [entry.id for entry in self._entries.values() if entry.until <= self._clock.now()][:limit]
        for each in expired:
            self._entries.remove(each)
        return len(expired)

    def end_session(self, session_id: SessionId, *, access_until: datetime) -> None:
        self._add(StoredRevocation(id=self._next(), session_id=session_id, until=access_until + LINGER))

    def _add(self, entry: StoredRevocation) -> None:
        self._entries.put(entry.id, entry)
        self._newest.put(1, entry.id)

    def _next(self) -> int:
        return (self._newest.get(1) or 0) + 1
