"""Find out who holds an access token."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import AccessTokens
from application.ports.unit_of_work import Store
from domain.actor import Actor, InvalidAccessToken


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """The caller behind an access token, or `InvalidAccessToken`.

    The session is read each time, so a revocation holds for the very next request; and with it whether the key ring has
    changed, so that this process needs no restart to follow it.
    """

    store: Store
    access_tokens: AccessTokens

    async def __call__(self, *, access_token: str) -> Actor:
        claims = await self.access_tokens.read(access_token)
        found = await self.store.live.authenticate(session_id=claims.session_id, user_id=claims.user_id)
        if found.ring_generation > claims.ring_generation:
            await self.access_tokens.read(access_token, ring_generation=found.ring_generation)
        if found.actor is None:
            raise InvalidAccessToken
        return found.actor
