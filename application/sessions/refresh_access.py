"""Trade a refresh token for the next pair."""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never, final

from application.ports.events import Events
from application.ports.origins import Origins
from application.ports.throttle import Throttle
from application.ports.tokens import AccessTokens, RefreshTokens
from application.ports.unit_of_work import Store
from domain.events import RefreshReuse, SessionAhead, SessionShadowed
from domain.origin import NOWHERE, Origin
from domain.session import (
    Advanced,
    Ahead,
    InvalidRefreshToken,
    Lifetimes,
    Repeated,
    Reused,
    Shadowed,
    TokenPair,
    Unknown,
)
from domain.throttle import Action


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshAccess:
    """Spend a refresh token and issue its successor.

    The parent presented again within the grace window gets the same successor, so a lost answer or a second tab logs nobody
    out. Anything older is a stolen copy, ours or the user's; we cannot tell who holds the good one, so the session ends for
    both (RFC 9700 4.14.2). So it does when the window is used from elsewhere, rotation after rotation: a thief who follows.
    """

    store: Store
    refresh_tokens: RefreshTokens
    access_tokens: AccessTokens
    origins: Origins
    events: Events
    throttle: Throttle
    lifetimes: Lifetimes

    async def __call__(self, *, refresh_token: str, origin: Origin = NOWHERE, grace: timedelta | None = None) -> TokenPair:
        """`grace` replaces the configured window, for a token that came a way on which it may have been seen.

        Failures are counted by address, and raise `TooManyRequests` beyond their limit. A good token is never refused for what
        others send from there.
        """
        try:
            return await self._trade(refresh_token, origin, grace)
        except InvalidRefreshToken:
            await self.throttle.admit(Action.REFRESH, origin)
            raise

    async def _trade(self, refresh_token: str, origin: Origin, grace: timedelta | None) -> TokenPair:
        presented = self.refresh_tokens.open(refresh_token)
        outcome = await self.store.live.rotate(
            presented,
            grace=self.lifetimes.grace if grace is None else grace,
            trace=self.origins.trace(origin),
            made_by=self.refresh_tokens.key_ids[0],
            origin=origin,
        )
        match outcome:
            case Unknown():
                raise InvalidRefreshToken
            case Reused(session):
                self.events.record(RefreshReuse(session.user_id, session.id))
                raise InvalidRefreshToken
            case Shadowed(session):
                self.events.record(SessionShadowed(session.user_id, session.id))
                raise InvalidRefreshToken
            case Ahead(session, ring_generation):
                self.events.record(SessionAhead(session.user_id, session.id))
            case Advanced(session, ring_generation) | Repeated(session, ring_generation):
                pass
            case _:
                assert_never(outcome)
        expires_at = session.access_expires_at(self.lifetimes)
        return TokenPair(
            access_token=await self.access_tokens.issue(session, expires_at=expires_at, ring_generation=ring_generation),
            refresh_token=self.refresh_tokens.seal(session_id=session.id, counter=session.counter, secret=presented.secret),
            expires_in=expires_at - session.rotated_at,
        )
