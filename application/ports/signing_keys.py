"""Storing signing keys."""

from collections.abc import Iterable
from typing import Protocol

from domain.key_ring import StoredKeyRing
from domain.signing_key import SigningKey


class SigningKeyRepository(Protocol):
    """What changes a key raises the generation of the key ring in the same transaction."""

    async def lock(self) -> StoredKeyRing:
        """The ring as it is once everybody else who was changing it has finished. Others wait until this work ends."""
        ...

    async def save(self, ring: StoredKeyRing) -> None:
        """Store every key as it is in `ring`, as locked and then changed."""
        ...

    async def remove(self, keys: Iterable[SigningKey]) -> None:
        """Forget keys of the ring, as locked, that verify nothing: nobody has to be told, so the generation stays."""
        ...
