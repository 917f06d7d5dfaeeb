"""The keys that sign and verify access tokens, as one process holds them."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from adapters.security.sealing import CannotOpen, Seal
from adapters.security.secret_key import SecretKey
from application.ports.events import Events
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import Store
from domain.events import SigningKeyUnreadable
from domain.signing_key import PublishedKey, SigningKey

ALGORITHM = "ES256"
_JWK = ECAlgorithm(ECAlgorithm.SHA256)


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key ready for use: objects, since a key given as text would be parsed at every call."""

    kid: str
    algorithm: str
    public: ec.EllipticCurvePublicKey
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    published: PublishedKey


@final
class KeyRing:
    def __init__(self, store: Store, secret: SecretKey, events: Events) -> None:
        self._store = store
        self._events = events
        self._seal = Seal(secret, use="signing-key")
        self._keys: dict[str, OpenKey] = {}

    def make(self, *, ordinal: int, at: datetime) -> SigningKey:
        pair = ec.generate_private_key(ec.SECP256R1())
        private, public = _JWK.to_jwk(pair, as_dict=True), _JWK.to_jwk(pair.public_key(), as_dict=True)
        kid = thumbprint(public)
        plain = json.dumps({"private": private, "public": public}).encode()
        return SigningKey(
            kid=kid,
            ordinal=ordinal,
            algorithm=ALGORITHM,
            created_at=at,
            sealed=self._seal.close(plain, bound_to=_place(kid, ALGORITHM, at)),
        )

    async def load(self) -> None:
        self._keys = {key.kid: opened for key in await self._store.live.list_signing_keys() if (opened := self._open(key))}
        if not self._keys:
            raise NoSigningKey

    async def published(self) -> tuple[PublishedKey, ...]:
        return tuple(key.published for key in (await self.keys()).values())

    async def keys(self) -> Mapping[str, OpenKey]:
        """By kid, oldest first; read from the store when this process has none yet."""
        if not self._keys:
            await self.load()
        return self._keys

    def _open(self, key: SigningKey) -> OpenKey | None:
        try:
            plain = self._seal.open(key.sealed, bound_to=_place(key.kid, key.algorithm, key.created_at))
        except CannotOpen:
            self._events.record(SigningKeyUnreadable(key.kid))
            return None
        halves = json.loads(plain)
        if thumbprint(halves["public"]) != key.kid or key.algorithm != ALGORITHM:
            self._events.record(SigningKeyUnreadable(key.kid))
            return None
        private, public = _JWK.from_jwk(halves["private"]), _JWK.from_jwk(halves["public"])
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(public, ec.EllipticCurvePublicKey):
            self._events.record(SigningKeyUnreadable(key.kid))
            return None
        jwk = {"kid": key.kid, "use": "sig", "alg": key.algorithm, **_public_members(halves["public"])}
        return OpenKey(key.kid, key.algorithm, public, private, PublishedKey(key.kid, jwk))


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order."""
    text = json.dumps(_public_members(jwk), sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _public_members(jwk: Mapping[str, str]) -> dict[str, str]:
    required = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
    return {name: jwk[name] for name in required[jwk["kty"]]}


def _place(kid: str, algorithm: str, created_at: datetime) -> bytes:
    """What a sealed key is bound to, so that one row's seal does not open in another. NUL separates: no part holds one."""
    return "\0".join(("portunus/v1/signing-key", kid, algorithm, created_at.isoformat(timespec="microseconds"))).encode()
