"""Signing keys in a dictionary."""

from typing import final

from adapters.memory.tables import Overlay
from domain.signing_key import SigningKey


@final
class MemorySigningKeyRepository:
    def __init__(self, keys: Overlay[int, SigningKey], generations: Overlay[int, int]) -> None:
        self._keys = keys
        self._generations = generations

    async def add_if_absent(self, key: SigningKey) -> None:
        self._generations.put(1, (self._generations.get(1) or 0) + 1)
        if self._keys.get(key.ordinal) is None:
            self._keys.put(key.ordinal, key)
