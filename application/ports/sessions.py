"""Storing sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.actor import Actor
from domain.audit import Act
from domain.session import EndedSession, EndReason, NewSession, Opened, Session, SessionId, Sweep, SweepPosition
from domain.user import UserId


@dataclass(frozen=True, slots=True)
class FoundCaller:
    """Who holds a session, if it is live; and the generation of the key ring as of the same moment, found or not."""

    actor: Actor | None
    ring_generation: int


class SessionRepository(Protocol):
    async def open(self, session: NewSession, *, act: Act | None = None) -> Opened | None:
        """Open it, and enter `act` of it; or return `None` if the user is gone, disabled, or of another generation by now.

        Serialised with whatever changes the user: a password changed while it was being verified opens nothing.
        """
        ...

    async def get(self, id: SessionId) -> Session | None: ...

    async def carry_over(self, id: SessionId, *, generation: int) -> bool:
        """Give a session its user's new generation, so that it outlives the old one; whether it had not ended.

        A rotation of it that is in flight goes on.
        """
        ...

    async def end_oldest_of(
        self, user_id: UserId, *, opened: SessionId, most: int, act: Act | None = None
    ) -> Sequence[EndedSession]:
        """End the user's oldest live sessions until `most` are left, of which the one just `opened` is one.

        `act` is entered of each. By the millisecond of their ids. Serialised with rivals that open sessions of the same user.
        """
        ...

    async def end_all_of(
        self, user_id: UserId, *, reason: EndReason, spared: SessionId | None = None
    ) -> Sequence[EndedSession]:
        """End the user's sessions, but for the one to be spared; those that this ended.

        Only of a user read with `lock…` in the same work: two that end many at once would wait for each other.
        """
        ...

    async def remove_ended(self, *, limit: int) -> int:
        """Remove sessions that were ended as long ago as they are kept, `limit` at most, and say how many.

        Waits for no lock on a session: one that somebody is at is left for another time.
        """
        ...

    async def remove_expired(self, *, after: SweepPosition | None, limit: int) -> Sweep:
        """Look at the next `limit` sessions that nobody ended, from the oldest on, and remove those whose time has been over
        for as long as they are kept. Waits for no lock, as `remove_ended`.
        """
        ...
