"""The keys that sign and verify access tokens, as one process holds them."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import final

from adapters.security.key_material import (
    Jwk,
    PrivateKey,
    PublicKey,
    UnusableKey,
    generate,
    is_shared,
    private_key,
    public_half,
    public_key,
    published_form,
    read_pem,
    thumbprint,
    to_jwk,
)
from adapters.security.sealing import CannotOpen, Seal
from adapters.security.secret_key import SecretKey
from application.ports.clock import Clock
from application.ports.events import Events
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import Store
from domain.events import SigningKeyCompromised, SigningKeyUnreadable
from domain.key_ring import StoredKeyRing
from domain.signing_key import PublishedKey, SigningKey, UnusableSigningKey

_LOOKS_AGAIN_AFTER = timedelta(seconds=5)
_NOTHING = StoredKeyRing(generation=0, as_of=datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key ready for use: objects, since a key given as text would be parsed at every call."""

    row: SigningKey
    public: PublicKey = field(repr=False)  # of a shared key it is the secret
    private: PrivateKey | None = field(repr=False)  # none once it has stopped signing
    published: PublishedKey | None

    @property
    def kid(self) -> str:
        return self.row.kid

    @property
    def algorithm(self) -> str:
        return self.row.algorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRing:
    """What is stored, as of one generation, with the keys by kid that open. `ahead_by` is the store's clock before ours."""

    stored: StoredKeyRing = _NOTHING
    keys: Mapping[str, OpenKey] = field(default_factory=dict)
    ahead_by: timedelta = timedelta(0)

    @property
    def generation(self) -> int:
        return self.stored.generation

    def verifying(self, kid: str, at: datetime) -> OpenKey | None:
        key = self.keys.get(kid)
        return key if key and key.row.verifies(self._store_time(at)) else None

    def all_verifying(self, at: datetime) -> list[OpenKey]:
        return [key for key in self.keys.values() if key.row.verifies(self._store_time(at))]

    def signing(self, at: datetime) -> OpenKey | None:
        active = self.stored.active_at(self._store_time(at))
        key = self.keys.get(active.kid) if active else None
        return key if key and key.private is not None else None

    def _store_time(self, at: datetime) -> datetime:
        return max(at + self.ahead_by, self.stored.as_of)  # our clock may have been set back since


@final
class KeyRing:
    """Keys of one sort: either each has a public half, or all are shared secrets. The two never meet in one verifier."""

    def __init__(self, store: Store, secret: SecretKey, events: Events, clock: Clock, *, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self._store = store
        self._events = events
        self._clock = clock
        self._seal = Seal(secret, use="signing-key")
        self._ring = OpenRing()
        self._opened: dict[SigningKey, OpenKey | UnusableKey] = {}
        self._loading = asyncio.Lock()
        self._looked_again_at: datetime | None = None

    async def make(self, *, at: datetime) -> SigningKey:
        return self._sealed(await asyncio.to_thread(generate, self.algorithm), at=at)  # an RSA key takes a while

    def read(self, pem: bytes, *, at: datetime) -> SigningKey:
        try:
            private, algorithm = read_pem(pem)
        except UnusableKey as reason:
            raise UnusableSigningKey(str(reason)) from None
        if algorithm != self.algorithm:
            raise UnusableSigningKey(f"It is for {algorithm}, and PORTUNUS_SIGNING_ALGORITHM is {self.algorithm}.")
        return self._sealed(private, at=at)

    def disarm(self, key: SigningKey, *, at: datetime) -> SigningKey | None:
        halves = self._halves(key)
        return key.disarm(at, sealed=self._close(key, {"public": halves["public"]})) if halves else None

    def reseal(self, key: SigningKey) -> SigningKey | None:
        if not key.sealed or self._seal.is_newest(key.sealed):
            return key
        halves = self._halves(key)
        return replace(key, sealed=self._close(key, halves)) if halves else None

    def count_sealed(self, keys: Iterable[SigningKey]) -> tuple[int, ...]:
        places = [self._seal.place_of_key(key.sealed) for key in keys]
        return tuple(places.count(place) for place in range(self._seal.number_of_keys))

    def is_of_this_sort(self, key: SigningKey) -> bool:
        return is_shared(key.algorithm) == is_shared(self.algorithm)

    async def load(self) -> None:
        async with self._loading:
            await self._load()

    async def _load(self) -> None:
        """In turn: an answer that was overtaken by another must not put an older ring in the place of a newer one."""
        before = self._clock.now()
        stored = await self._store.live.read_key_ring()
        mine = tuple(key for key in stored.keys if self.is_of_this_sort(key) and key.verifies(stored.as_of))
        known = {_place(key.row): key for key in self._opened.values() if isinstance(key, OpenKey)}
        self._opened = {key: self._opened.get(key) or self._open(key, known.get(_place(key))) for key in mine}
        keys = {key.kid: key for key in self._opened.values() if isinstance(key, OpenKey)}
        for key in stored.keys:
            if key.compromised_at and key.kid in self._ring.keys:
                self._events.record(SigningKeyCompromised(key.kid))
        self._ring = OpenRing(stored=replace(stored, keys=mine), keys=keys, ahead_by=stored.as_of - before)
        if not keys:
            raise NoSigningKey

    async def published(self) -> tuple[PublishedKey, ...]:
        keys = (await self.ring()).all_verifying(self._clock.now())
        return tuple(key.published for key in keys if key.published)

    async def signing(self, *, generation: int = 0) -> OpenKey:
        key = (await self.ring(generation=generation)).signing(self._clock.now())
        if key is None:
            raise NoSigningKey
        return key

    async def require_signing(self) -> None:
        await self.signing()

    async def ring(self, *, generation: int = 0) -> OpenRing:
        """Of that generation or a newer one, read from the store where this process has it not."""
        ring = self._ring
        if not ring.keys or ring.generation < generation:
            async with self._loading:
                if self._ring is ring or self._ring.generation < generation:  # else somebody has loaded it meanwhile
                    await self._load()
        return self._ring

    async def look_again(self) -> OpenRing:
        """For a kid that this process does not know: once in a while, since whoever likes can make up a kid."""
        now = self._clock.now()
        if self._looked_again_at is None or abs(now - self._looked_again_at) >= _LOOKS_AGAIN_AFTER:
            self._looked_again_at = now
            await self.load()
        return self._ring

    def _sealed(self, private: PrivateKey, *, at: datetime) -> SigningKey:
        halves = {"private": to_jwk(private, self.algorithm), "public": to_jwk(public_half(private), self.algorithm)}
        key = SigningKey(kid=thumbprint(halves["public"]), algorithm=self.algorithm, created_at=at, sealed=b"")
        return replace(key, sealed=self._close(key, halves))

    def _close(self, key: SigningKey, halves: Mapping[str, Jwk]) -> bytes:
        return self._seal.close(json.dumps(halves).encode(), bound_to=_place(key))

    def _halves(self, key: SigningKey) -> dict[str, Jwk] | None:
        try:
            halves: dict[str, Jwk] = json.loads(self._seal.open(key.sealed, bound_to=_place(key)))
        except CannotOpen:
            return None
        return halves

    def _open(self, key: SigningKey, known: OpenKey | None) -> OpenKey | UnusableKey:
        """A key that was `known` and opens no longer was sealed anew, or spoilt: this process goes on with it."""
        try:
            return _opened(key, self._halves(key))
        except UnusableKey as reason:
            self._events.record(SigningKeyUnreadable(key.kid, str(reason)))
            return replace(known, row=key) if known else reason


def _opened(key: SigningKey, halves: Mapping[str, Jwk] | None) -> OpenKey:
    if halves is None:
        raise UnusableKey("It does not open under this secret.")
    public = public_key(halves["public"], key.algorithm)
    private = private_key(halves["private"], key.algorithm) if "private" in halves else None
    if thumbprint(halves["public"]) != key.kid:
        raise UnusableKey("Its kid is that of another key.")
    jwk = published_form(halves["public"], kid=key.kid, algorithm=key.algorithm)
    published = None if is_shared(key.algorithm) else PublishedKey(key.kid, jwk)
    return OpenKey(key, public, private, published)


def _place(key: SigningKey) -> bytes:
    """What a sealed key is bound to, so that one row's seal does not open in another. NUL separates: no part holds one."""
    made = key.created_at.isoformat(timespec="microseconds")
    return f"portunus/v1/signing-key\0{key.kid}\0{key.algorithm}\0{made}".encode()
