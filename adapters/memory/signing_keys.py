"""Signing keys in a dictionary."""

from typing import final

from adapters.memory.tables import Overlay
from domain.signing_key import SigningKey


@final
class MemorySigningKeyRepository:
    def __init__(self, keys: Overlay[int, SigningKey]) -> None:
        self._keys = keys

    async def add_if_absent(self, key: SigningKey) -> None:
        if self._keys.get(key.ordinal) is None:
            self._keys.put(key.ordinal, key)
