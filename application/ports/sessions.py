"""Storing sessions."""

from typing import Protocol

from domain.session import EndReason, NewSession, Session, SessionId
from domain.user import UserId


class SessionRepository(Protocol):
    async def open(self, session: NewSession) -> Session | None:
        """Open it, or return `None` if the user is gone, disabled, or of another generation by now.

        Serialised with whatever changes the user: a password changed while it was being verified opens nothing.
        """
        ...

    async def get(self, id: SessionId) -> Session | None: ...

    async def end_all_of(self, user_id: UserId, *, reason: EndReason) -> int:
        """End the user's live sessions; how many there were."""
        ...
