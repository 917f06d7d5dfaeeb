"""The keys that sign and verify access tokens, as one process holds them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from adapters.security.key_material import (
    PrivateKey,
    PublicKey,
    UnusableKey,
    generate,
    is_shared,
    private_key,
    public_half,
    public_key,
    published_form,
    thumbprint,
    to_jwk,
)
from adapters.security.sealing import CannotOpen, Seal
from adapters.security.secret_key import SecretKey
from application.ports.events import Events
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import Store
from domain.events import SigningKeyUnreadable
from domain.signing_key import PublishedKey, SigningKey


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key ready for use: objects, since a key given as text would be parsed at every call."""

    kid: str
    algorithm: str
    public: PublicKey = field(repr=False)  # of a shared key it is the secret
    private: PrivateKey = field(repr=False)
    published: PublishedKey | None


@final
class KeyRing:
    """Keys of one sort: either each has a public half, or all are shared secrets. The two never meet in one verifier."""

    def __init__(self, store: Store, secret: SecretKey, events: Events, *, algorithm: str = "ES256") -> None:
        self._store = store
        self._events = events
        self.algorithm = algorithm
        self._seal = Seal(secret, use="signing-key")
        self._keys: dict[str, OpenKey] = {}

    async def make(self, *, ordinal: int, at: datetime) -> SigningKey:
        private = await asyncio.to_thread(generate, self.algorithm)  # an RSA key takes a while
        halves = {"private": to_jwk(private, self.algorithm), "public": to_jwk(public_half(private), self.algorithm)}
        kid = thumbprint(halves["public"])
        return SigningKey(
            kid=kid,
            ordinal=ordinal,
            algorithm=self.algorithm,
            created_at=at,
            sealed=self._seal.close(json.dumps(halves).encode(), bound_to=_place(kid, self.algorithm, at)),
        )

    async def load(self) -> None:
        self._keys = {
            key.kid: opened
            for key in await self._store.live.list_signing_keys()
            if is_shared(key.algorithm) == is_shared(self.algorithm) and (opened := self._open(key))
        }
        if not self._keys:
            raise NoSigningKey

    async def published(self) -> tuple[PublishedKey, ...]:
        return tuple(key.published for key in (await self.keys()).values() if key.published)

    async def keys(self) -> Mapping[str, OpenKey]:
        """By kid, oldest first; read from the store when this process has none yet."""
        if not self._keys:
            await self.load()
        return self._keys

    async def find(self, kid: str) -> OpenKey | None:
        return (await self.keys()).get(kid)

    async def signing(self) -> OpenKey:
        fit = [key for key in (await self.keys()).values() if key.algorithm == self.algorithm]
        if not fit:
            raise NoSigningKey
        return fit[-1]

    def _open(self, key: SigningKey) -> OpenKey | None:
        try:
            return _opened(key, self._seal)
        except CannotOpen:
            self._events.record(SigningKeyUnreadable(key.kid, "It does not open under this secret."))
        except UnusableKey as reason:
            self._events.record(SigningKeyUnreadable(key.kid, str(reason)))
        return None


def _opened(key: SigningKey, seal: Seal) -> OpenKey:
    halves = json.loads(seal.open(key.sealed, bound_to=_place(key.kid, key.algorithm, key.created_at)))
    public, private = public_key(halves["public"], key.algorithm), private_key(halves["private"], key.algorithm)
    if thumbprint(halves["public"]) != key.kid:
        raise UnusableKey("Its kid is that of another key.")
    jwk = published_form(halves["public"], kid=key.kid, algorithm=key.algorithm)
    published = None if is_shared(key.algorithm) else PublishedKey(key.kid, jwk)
    return OpenKey(key.kid, key.algorithm, public, private, published)


def _place(kid: str, algorithm: str, created_at: datetime) -> bytes:
    """What a sealed key is bound to, so that one row's seal does not open in another. NUL separates: no part holds one."""
    return "\0".join(("portunus/v1/signing-key", kid, algorithm, created_at.isoformat(timespec="microseconds"))).encode()
