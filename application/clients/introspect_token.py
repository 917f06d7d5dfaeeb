"""Tell a client whether a token is good."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import AccessTokens, RefreshTokens
from application.ports.unit_of_work import Store
from application.steps.find_caller import find_caller
from domain.actor import InvalidAccessToken
from domain.client import Client
from domain.introspection import ActiveToken
from domain.session import InvalidRefreshToken, Lifetimes


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectToken:
    """What there is to say of a token that would be taken now, and `None` for every other (RFC 7662 2.2).

    Looking at a refresh token spends nothing. One that has been rotated away is not active, though it may still be answered
    within the grace window.
    """

    store: Store
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    lifetimes: Lifetimes

    async def __call__(self, *, client: Client, token: str) -> ActiveToken | None:
        del client  # any client may ask, of any token: there is one audience
        try:
            return await self._refresh_token(token)
        except InvalidRefreshToken:
            pass
        try:
            actor, claims = await find_caller(token, store=self.store, access_tokens=self.access_tokens)
        except InvalidAccessToken:
            return None
        return ActiveToken(
            actor=actor,
            is_access=True,
            expires_at=claims.expires_at,
            issuer=self.access_tokens.issuer,
            audience=self.access_tokens.audience,
        )

    async def _refresh_token(self, token: str) -> ActiveToken | None:
        presented = self.refresh_tokens.open(token)
        actor = await self.store.live.read_session(presented.session_id)
        if actor is None or not actor.session.is_continued_by(presented):
            return None
        return ActiveToken(
            actor=actor,
            is_access=False,
            expires_at=actor.session.ends_at(self.lifetimes),
            issuer=self.access_tokens.issuer,
            audience=self.access_tokens.issuer,  # who takes it is Portunus alone
        )
