"""Log out."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import AccessTokens, RefreshTokens
from application.ports.unit_of_work import Store
from domain.actor import NotAuthenticated
from domain.audit import Act, Action, Agent
from domain.origin import NOWHERE, Origin
from domain.session import EndReason, SessionId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """End the session that a token belongs to.

    Any authentic token of it will do: an expired access token, a refresh token that has been rotated away. A session that is
    over already is no error. Each token presented must be authentic, or nothing is ended: `InvalidAccessToken`,
    `InvalidRefreshToken`; with none at all, `NotAuthenticated`.
    """

    store: Store
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens

    async def __call__(
        self, *, access_token: str | None = None, refresh_token: str | None = None, origin: Origin = NOWHERE
    ) -> None:
        ended: set[SessionId] = set()
        if access_token is not None:
            ended.add((await self.access_tokens.read_expired(access_token)).session_id)
        if refresh_token is not None:
            ended.add(self.refresh_tokens.open(refresh_token).session_id)
        if not ended:
            raise NotAuthenticated
        for session_id in ended:
            act = Act(action=Action.LOGOUT, by=Agent.USER, origin=origin)
            await self.store.live.end_session(session_id, reason=EndReason.LOGOUT, act=act)
