"""The keys that sign and verify access tokens, as one process holds them."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from application.ports.clock import Clock
from application.ports.events import Events
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import Store
from domain.events import SigningKeyUnreadable
from domain.signing_key import PublishedKey, SigningKey

_LOOKS_AGAIN_AFTER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key ready for use: objects, since a key given as text would be parsed at every call."""

    kid: str
    algorithm: str
    public: PublicKey = field(repr=False)  # of a shared key it is the secret
    private: PrivateKey = field(repr=False)
    published: PublishedKey | None


@dataclass(frozen=True, slots=True)
class OpenRing:
    """Keys by kid, oldest first, as of one generation of what is stored."""

    generation: int
    keys: Mapping[str, OpenKey]


@final
class KeyRing:
    """Keys of one sort: either each has a public half, or all are shared secrets. The two never meet in one verifier."""

    def __init__(self, store: Store, secret: SecretKey, events: Events, clock: Clock, *, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self._store = store
        self._events = events
        self._clock = clock
        self._seal = Seal(secret, use="signing-key")
        self._ring = OpenRing(0, {})
        self._opened: dict[SigningKey, OpenKey | UnusableKey] = {}
        self._loading = asyncio.Lock()
        self._looked_again_at: datetime | None = None

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
        stored = await self._store.live.read_key_ring()
        self._opened = {key: self._opened.get(key) or self._open(key) for key in stored.keys if self._is_of_this_sort(key)}
        keys = {key.kid: key for key in self._opened.values() if isinstance(key, OpenKey)}
        self._ring = OpenRing(stored.generation, keys)
        if not keys:
            raise NoSigningKey

    async def published(self) -> tuple[PublishedKey, ...]:
        return tuple(key.published for key in (await self.ring()).keys.values() if key.published)

    async def signing(self) -> OpenKey:
        fit = [key for key in (await self.ring()).keys.values() if key.algorithm == self.algorithm]
        if not fit:
            raise NoSigningKey
        return fit[-1]

    async def ring(self, *, generation: int = 0) -> OpenRing:
        """Of that generation or a newer one, read from the store where this process has it not."""
        if not self._is_as_new_as(generation):
            async with self._loading:
                if not self._is_as_new_as(generation):
                    await self.load()
        return self._ring

    async def look_again(self) -> OpenRing:
        """For a kid that this process does not know: once in a while, since whoever likes can make up a kid."""
        now = self._clock.now()
        if self._looked_again_at is None or abs(now - self._looked_again_at) >= _LOOKS_AGAIN_AFTER:
            self._looked_again_at = now
            await self.load()
        return self._ring

    def _is_as_new_as(self, generation: int) -> bool:
        return bool(self._ring.keys) and self._ring.generation >= generation

    def _is_of_this_sort(self, key: SigningKey) -> bool:
        return is_shared(key.algorithm) == is_shared(self.algorithm)

    def _open(self, key: SigningKey) -> OpenKey | UnusableKey:
        try:
            return _opened(key, self._seal)
        except UnusableKey as reason:
            self._events.record(SigningKeyUnreadable(key.kid, str(reason)))
            return reason


def _opened(key: SigningKey, seal: Seal) -> OpenKey:
    try:
        halves = json.loads(seal.open(key.sealed, bound_to=_place(key.kid, key.algorithm, key.created_at)))
    except CannotOpen:
        raise UnusableKey("It does not open under this secret.") from None
    public, private = public_key(halves["public"], key.algorithm), private_key(halves["private"], key.algorithm)
    if thumbprint(halves["public"]) != key.kid:
        raise UnusableKey("Its kid is that of another key.")
    jwk = published_form(halves["public"], kid=key.kid, algorithm=key.algorithm)
    published = None if is_shared(key.algorithm) else PublishedKey(key.kid, jwk)
    return OpenKey(key.kid, key.algorithm, public, private, published)


def _place(kid: str, algorithm: str, created_at: datetime) -> bytes:
    """What a sealed key is bound to, so that one row's seal does not open in another. NUL separates: no part holds one."""
    return "\0".join(("portunus/v1/signing-key", kid, algorithm, created_at.isoformat(timespec="microseconds"))).encode()
