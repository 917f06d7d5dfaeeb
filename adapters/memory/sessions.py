"""Sessions in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import final

from adapters.memory.audit import MemoryAuditRepository
from adapters.memory.revocations import MemoryRevocationRepository
from adapters.memory.signing_keys import RING
from adapters.memory.tables import Overlay
from application.ports.clock import Clock
from domain.audit import Act
from domain.session import EndedSession, EndReason, Lifetimes, NewSession, Opened, Session, SessionId, Sweep, SweepPosition
from domain.user import User, UserId


@final
class MemorySessionRepository:
    def __init__(
        self,
        sessions: Overlay[SessionId, Session],
        users: Overlay[UserId, User],
        revocations: MemoryRevocationRepository,
        *,
        audit: MemoryAuditRepository,
        clock: Clock,
        lifetimes: Lifetimes,
        ring_generations: Overlay[int, int],
    ) -> None:
        self._sessions = sessions
        self._users = users
        self._revocations = revocations
        self._ring_generations = ring_generations
        self._audit = audit
        self._clock = clock
        self._lifetimes = lifetimes

    async def open(self, session: NewSession, *, act: Act | None = None) -> Opened | None:
        user = self._users.get(session.user_id)
        if user is None or user.disabled_at or user.generation != session.generation:
            return None
        now = self._clock.now()
        opened = Session(
            id=session.id,
            user_id=session.user_id,
            generation=session.generation,
            secret_digest=session.secret_digest,
            created_at=now,
            rotated_at=now,
            access_until=now + self._lifetimes.access,
            authenticated_by=session.authenticated_by,
            device=session.device,
            network=session.network,
            made_by=session.made_by,
        )
        self._sessions.put(opened.id, opened)
        if act:
            self._audit.enter(of_session(act, opened))
        return Opened(opened, self._ring_generations.get(RING) or 0)

    async def get(self, id: SessionId) -> Session | None:
        return self._sessions.get(id)

    async def carry_over(self, id: SessionId, *, generation: int) -> bool:
        session = self._sessions.get(id)
        if session is None or session.ended_at:
            return False
        self.replace(replace(session, generation=generation))
        return True

    async def end_oldest_of(
        self, user_id: UserId, *, opened: SessionId, most: int, act: Act | None = None
    ) -> Sequence[EndedSession]:
        now = self._clock.now()
        others = [
            session
            for session in self._sessions.values()
            if session.user_id == user_id
            and session.id != opened
            and not session.ended_at
            and not session.has_expired(now, self._lifetimes)
        ]
        doomed = sorted(others, key=lambda session: session.id, reverse=True)[most - 1 :]
        for session in doomed:
            self.end(session, reason=EndReason.SESSION_LIMIT)
            if act:
                self._audit.enter(of_session(act, session))
        return [EndedSession(id=session.id, access_until=session.access_until) for session in doomed]

    async def end_all_of(
        self, user_id: UserId, *, reason: EndReason, spared: SessionId | None = None
    ) -> Sequence[EndedSession]:
        doomed = [s for s in self._sessions.values() if s.user_id == user_id and s.id != spared and not s.ended_at]
        for session in doomed:
            self.end(session, reason=reason)
        return [EndedSession(id=session.id, access_until=session.access_until) for session in doomed]

    async def remove_ended(self, *, limit: int) -> int:
        until = self._clock.now() - self._lifetimes.kept
        ended = [session for session in self._sessions.values() if session.ended_at and session.ended_at <= until][:limit]
        for session in ended:
            self._sessions.remove(session.id)
        return len(ended)

    async def remove_expired(self, *, after: SweepPosition | None, limit: int) -> Sweep:
        until = self._clock.now() - self._lifetimes.kept
        not_ended = (session for session in self._sessions.values() if not session.ended_at)
        beyond = [session for session in not_ended if after is None or _place(session) > (after.created_at, after.id)]
        looked_at = sorted(beyond, key=_place)[:limit]
        expired = [session for session in looked_at if session.has_expired(until, self._lifetimes)]
        for session in expired:
            self._sessions.remove(session.id)
        return Sweep(removed=len(expired), upto=SweepPosition(*_place(looked_at[-1])) if len(looked_at) == limit else None)

    def end(self, session: Session, *, reason: EndReason) -> Session:
        """The one place where sessions end."""
        ended = replace(session, ended_at=self._clock.now(), end_reason=reason)
        self.replace(ended)
        self._revocations.end_session(session.id, access_until=session.access_until)
        return ended

    def replace(self, session: Session) -> None:
        self._sessions.put(session.id, session)


def _place(session: Session) -> tuple[datetime, SessionId]:
    return session.created_at, session.id


def of_session(act: Act, session: Session) -> Act:
    """What it leaves open of user and session is this session's."""
    return replace(act, user_id=act.user_id or session.user_id, session_id=act.session_id or session.id)
