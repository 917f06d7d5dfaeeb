"""Access tokens as JWTs (RFC 9068): read strictly before a library sees them."""

import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import datetime, timedelta
from typing import Any, final
from uuid import UUID

import jwt

from adapters.security.key_ring import KeyRing
from application.ports.clock import Clock
from application.ports.tokens import AccessClaims
from domain.actor import InvalidAccessToken
from domain.session import Session, SessionId
from domain.user import UserId

_TYPE = "at+jwt"
_CLIENT = "portunus"  # until clients exist
_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_MOST_CHARACTERS = 8192
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
        self._issuer = issuer
        self._audience = audience

    async def issue(self, session: Session, *, expires_at: datetime) -> str:
        *_, key = (await self._key_ring.keys()).values()
        claims = {
            "iss": self._issuer,
            "sub": str(session.user_id),
            "aud": self._audience,
            "exp": int(expires_at.timestamp()),
            "iat": int(session.rotated_at.timestamp()),
            "jti": secrets.token_urlsafe(16),
            "sid": str(session.id),
            "client_id": _CLIENT,
        }
        return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"typ": _TYPE, "kid": key.kid})

    async def read(self, token: str) -> AccessClaims:
        claims = await self._authentic(token)
        if self._clock.now().timestamp() >= claims["exp"] + _LEEWAY.total_seconds():
            raise InvalidAccessToken
        return _caller(claims)

    async def read_expired(self, token: str) -> AccessClaims:
        return _caller(await self._authentic(token))

    async def _authentic(self, token: str) -> dict[str, Any]:
        shape = _SHAPE.fullmatch(token) if len(token) <= _MOST_CHARACTERS else None
        if shape is None:
            raise InvalidAccessToken
        header, payload = _object(shape[1]), _object(shape[2])
        _bytes(shape[3])
        if header.keys() != {"alg", "typ", "kid"} or header["typ"] != _TYPE or not isinstance(header["kid"], str):
            raise InvalidAccessToken
        key = (await self._key_ring.keys()).get(header["kid"])
        if key is None or header["alg"] != key.algorithm:
            raise InvalidAccessToken
        try:
            jwt.decode(
                token,
                key.public,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                # Times are checked here, by the Clock; presence and types below.
                options={"strict_aud": True, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError:
            raise InvalidAccessToken from None
        self._require_wellformed(payload)
        return payload

    def _require_wellformed(self, claims: dict[str, Any]) -> None:
        wellformed = (
            claims.keys() == _TEXTS | _TIMES
            and all(type(claims[name]) is str for name in _TEXTS)
            and all(type(claims[name]) is int and 0 <= claims[name] < 2**53 for name in _TIMES)
            and claims["client_id"] == _CLIENT
            and claims["exp"] - claims["iat"] <= _LONGEST_LIFE
            and claims["iat"] <= (self._clock.now() + _EARLY).timestamp()
        )
        if not wellformed:
            raise InvalidAccessToken


def _caller(claims: dict[str, Any]) -> AccessClaims:
    try:
        return AccessClaims(user_id=UserId(UUID(claims["sub"])), session_id=SessionId(UUID(claims["sid"])))
    except ValueError:
        raise InvalidAccessToken from None


def _bytes(segment: str) -> bytes:
    """Decode, if `segment` is the one spelling of what it says: no padding, no slack bits (RFC 7515 appendix C)."""
    try:
        raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except NotBase64:
        raise InvalidAccessToken from None
    if urlsafe_b64encode(raw).rstrip(b"=") != segment.encode():
        raise InvalidAccessToken
    return raw


def _object(segment: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(segment).decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidAccessToken from None
    if not isinstance(value, dict):
        raise InvalidAccessToken
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidAccessToken
    return members


def _no_constant(_: str) -> None:
    raise InvalidAccessToken
