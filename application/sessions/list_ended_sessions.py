"""List one's sessions that are over, a page at a time."""

from dataclasses import dataclass
from typing import final

from application.ports.cursors import Cursors
from application.ports.unit_of_work import Store
from domain.actor import Actor
from domain.session import Ending, Lifetimes, Session, SessionId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSessionPage:
    """`next` is the cursor of the following page; None where this is the last."""

    sessions: tuple[tuple[Session, Ending], ...]
    next: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListEndedSessions:
    """The sessions of the caller that are over, with the reason, the newest first; or `InvalidCursor`.

    As long as they are kept, so that a user can see what ended while they were not looking.
    """

    store: Store
    cursors: Cursors
    lifetimes: Lifetimes

    async def __call__(self, *, actor: Actor, limit: int, cursor: str | None = None) -> EndedSessionPage:
        owner = actor.user.id
        before = None if cursor is None else SessionId(self.cursors.open(cursor, listing="ended", of=owner))
        found = await self.store.live.list_ended_sessions(owner, before=before, limit=limit + 1)
        page = tuple(found[:limit])
        more = len(found) > limit
        return EndedSessionPage(
            sessions=tuple((session, session.ending(self.lifetimes)) for session in page),
            next=self.cursors.seal(page[-1].id, listing="ended", of=owner) if more else None,
        )
