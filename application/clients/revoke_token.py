"""End what a token belongs to, at a client's word."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import AccessTokens, RefreshTokens
from application.ports.unit_of_work import Store
from domain.actor import InvalidAccessToken
from domain.audit import Act, Action, Agent
from domain.client import Client
from domain.origin import NOWHERE, Origin
from domain.session import EndReason, InvalidRefreshToken, SessionId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """End the session of a token, and with it every token of that session (RFC 7009 2.1).

    A token that is not authentic, or of a session that is over, is no error: what was asked for holds (RFC 7009 2.2).
    """

    store: Store
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens

    async def __call__(self, *, client: Client, token: str, origin: Origin = NOWHERE) -> None:
        # Any client that the operator registered may revoke: tokens are issued to Portunus's own.
        session_id = await self._session_of(token)
        if session_id is not None:
            act = Act(action=Action.TOKEN_REVOKE, by=Agent.CLIENT, client=client.id.text, origin=origin)
            await self.store.live.end_session(session_id, reason=EndReason.REVOKED, act=act)

    async def _session_of(self, token: str) -> SessionId | None:
        try:
            return self.refresh_tokens.open(token).session_id
        except InvalidRefreshToken:
            pass
        try:
            return (await self.access_tokens.read_expired(token)).session_id
        except InvalidAccessToken:
            return None
