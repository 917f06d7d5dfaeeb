"""List one's sessions, a page at a time."""

from dataclasses import dataclass
from typing import final

from application.ports.cursors import Cursors
from application.ports.unit_of_work import Store
from domain.actor import Actor
from domain.session import Session, SessionId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """`next` is the cursor of the following page; None where this is the last."""

    sessions: tuple[Session, ...]
    next: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions:
    """The live sessions of the caller, the newest first, or `InvalidCursor`."""

    store: Store
    cursors: Cursors

    async def __call__(self, *, actor: Actor, limit: int, cursor: str | None = None) -> SessionPage:
        owner = actor.user.id
        before = None if cursor is None else SessionId(self.cursors.open(cursor, listing="live", of=owner))
        found = await self.store.live.list_live_sessions(owner, before=before, limit=limit + 1)
        page = tuple(found[:limit])
        more = len(found) > limit
        return SessionPage(sessions=page, next=self.cursors.seal(page[-1].id, listing="live", of=owner) if more else None)
