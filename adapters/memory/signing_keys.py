"""Signing keys in a dictionary."""

from collections.abc import Iterable
from typing import final

from adapters.memory.tables import Overlay
from application.ports.clock import Clock
from domain.key_ring import StoredKeyRing
from domain.signing_key import SigningKey

RING = 1  # the one that there is


@final
class MemorySigningKeyRepository:
    def __init__(self, keys: Overlay[str, SigningKey], generations: Overlay[int, int], clock: Clock) -> None:
        self._keys = keys
        self._generations = generations
        self._clock = clock

    async def lock(self) -> StoredKeyRing:
        keys = tuple(sorted(self._keys.values(), key=lambda key: key.ordinal))
        return StoredKeyRing(generation=self._generations.get(RING) or 0, as_of=self._clock.now(), keys=keys)

    async def save(self, ring: StoredKeyRing) -> None:
        self._generations.put(RING, (self._generations.get(RING) or 0) + 1)
        for key in ring.keys:
            self._keys.put(key.kid, key)

    async def remove(self, keys: Iterable[SigningKey]) -> None:
        for key in keys:
            self._keys.remove(key.kid)
