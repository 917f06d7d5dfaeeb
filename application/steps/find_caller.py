"""Whom an access token stands for at this moment."""

from application.ports.tokens import AccessClaims, AccessTokens
from application.ports.unit_of_work import Store
from domain.actor import Actor, InvalidAccessToken


async def find_caller(access_token: str, *, store: Store, access_tokens: AccessTokens) -> tuple[Actor, AccessClaims]:
    """Read the token, and by one statement its session, or raise `InvalidAccessToken`.

    The statement also tells whether the key ring has changed, so that this process needs no restart to follow it.
    """
    claims = await access_tokens.read(access_token)
    found = await store.live.authenticate(session_id=claims.session_id, user_id=claims.user_id)
    if found.ring_generation > claims.ring_generation:
        await access_tokens.read(access_token, ring_generation=found.ring_generation)
    if found.actor is None:
        raise InvalidAccessToken
    return found.actor, claims
