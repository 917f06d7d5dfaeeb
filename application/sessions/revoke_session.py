"""End one of one's sessions."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.actor import Actor
from domain.audit import Action, by_caller
from domain.origin import NOWHERE, Origin
from domain.session import EndReason, SessionId, SessionUnknown


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSession:
    """End a session of the caller, or raise `SessionUnknown`: alike for one that is over, or somebody else's."""

    store: Store

    async def __call__(self, *, actor: Actor, session_id: SessionId, origin: Origin = NOWHERE) -> None:
        act = by_caller(Action.SESSION_REVOKE, actor, origin, target=str(session_id))
        ended = await self.store.live.end_session(session_id, reason=EndReason.REVOKED, user_id=actor.user.id, act=act)
        if ended is None:
            raise SessionUnknown
