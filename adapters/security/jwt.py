"""Access tokens as JWTs (RFC 9068): read strictly, since a library alone would let too much through."""

import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, final
from uuid import UUID

from adapters.security.jws import CompactJws, Malformed, encoded, is_signed, sign
from adapters.security.key_ring import KeyRing, OpenRing
from adapters.security.verified_tokens import VerifiedTokens
from application.ports.clock import Clock
from application.ports.tokens import AccessClaims, NoSigningKey
from domain.actor import InvalidAccessToken
from domain.session import Session, SessionId
from domain.user import UserId

_TYPE = "at+jwt"
_CLIENT = "portunus"  # until clients exist
_LONGEST_LIFE = 3600
_TEXTS = frozenset({"iss", "sub", "aud", "jti", "sid", "client_id"})
_TIMES = frozenset({"exp", "iat"})
_LEEWAY = timedelta(seconds=5)
# `iat` is the database's time; a server whose clock lags behind it still takes the tokens.
_EARLY = timedelta(seconds=60)


@final
class JwtAccessTokens:
    def __init__(self, key_ring: KeyRing, clock: Clock, *, issuer: str, audience: str) -> None:
        self._key_ring = key_ring
        self._clock = clock
        self.issuer = issuer
        self.audience = audience
        self._known = VerifiedTokens()

    async def issue(self, session: Session, *, expires_at: datetime, ring_generation: int = 0) -> str:
        key = await self._key_ring.signing(generation=ring_generation)
        claims = {
            "iss": self.issuer,
            "sub": str(session.user_id),
            "aud": self.audience,
            "exp": int(expires_at.timestamp()),
            "iat": int(session.rotated_at.timestamp()),
            "jti": secrets.token_urlsafe(16),
            "sid": str(session.id),
            "client_id": _CLIENT,
        }
        if key.private is None:
            raise NoSigningKey
        return sign(_header(key.algorithm, key.kid), claims, key=key.private, algorithm=key.algorithm)

    async def read(self, token: str, *, ring_generation: int = 0) -> AccessClaims:
        claims = await self._verified(token, await self._key_ring.ring(generation=ring_generation))
        if self._clock.now() >= claims.expires_at + _LEEWAY:
            raise InvalidAccessToken
        return claims

    async def read_expired(self, token: str) -> AccessClaims:
        return await self._verified(token, await self._key_ring.ring())

    async def _verified(self, token: str, ring: OpenRing) -> AccessClaims:
        known = self._known.get(token, generation=ring.generation)
        if known is None:
            known = await self._verify(token, ring)
            self._known.put(token, known, generation=ring.generation)
        return known

    async def _verify(self, token: str, ring: OpenRing) -> AccessClaims:
        try:
            jws = CompactJws.parse(token)
        except Malformed:
            raise InvalidAccessToken from None
        header = jws.header
        if header.keys() != {"alg", "typ", "kid"} or header["typ"] != _TYPE or not isinstance(header["kid"], str):
            raise InvalidAccessToken
        kid, now = header["kid"], self._clock.now()
        key = ring.verifying(kid, now) or (await self._key_ring.look_again()).verifying(kid, now)
        if key is None or header["alg"] != key.algorithm:
            raise InvalidAccessToken
        if not is_signed(jws.signed, jws.signature, key=key.public, algorithm=key.algorithm):
            raise InvalidAccessToken
        claims = jws.payload
        self._require_ours(claims)
        return AccessClaims(
            user_id=UserId(_uuid(claims["sub"])),
            session_id=SessionId(_uuid(claims["sid"])),
            ring_generation=ring.generation,
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )

    def _require_ours(self, claims: dict[str, Any]) -> None:
        ours = (
            claims.keys() == _TEXTS | _TIMES
            and all(type(claims[name]) is str for name in _TEXTS)
            and all(type(claims[name]) is int and 0 <= claims[name] < 2**53 for name in _TIMES)
            and claims["iss"] == self.issuer
            and claims["aud"] == self.audience
            and claims["client_id"] == _CLIENT
            and 0 <= claims["exp"] - claims["iat"] <= _LONGEST_LIFE
            and claims["iat"] <= (self._clock.now() + _EARLY).timestamp()
        )
        if not ours:
            raise InvalidAccessToken


@lru_cache(maxsize=16)  # of the key that signs, and of those before it
def _header(algorithm: str, kid: str) -> bytes:
    return encoded({"alg": algorithm, "typ": _TYPE, "kid": kid})


def _uuid(text: str) -> UUID:
    """In its canonical form only: braces, `urn:uuid:` and capitals are other spellings."""
    try:
        found = UUID(text)
    except ValueError:
        raise InvalidAccessToken from None
    if str(found) != text:
        raise InvalidAccessToken
    return found
