"""End all of one's sessions."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.actor import Actor
from domain.audit import Action, by_caller
from domain.origin import NOWHERE, Origin
from domain.session import EndReason


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAllSessions:
    """End every session of the caller, also the one that the call came through."""

    store: Store

    async def __call__(self, *, actor: Actor, origin: Origin = NOWHERE) -> None:
        async with self.store.begin() as work:
            await work.users.lock(actor.user.id)
            await work.sessions.end_all_of(actor.user.id, reason=EndReason.REVOKED)
            await work.audit.add(by_caller(Action.SESSION_REVOKE, actor, origin, target="all"))
            await work.commit()
