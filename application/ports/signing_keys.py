"""Storing signing keys."""

from typing import Protocol

from domain.signing_key import SigningKey


class SigningKeyRepository(Protocol):
    """What changes a key raises the generation of the key ring in the same transaction."""

    async def add_if_absent(self, key: SigningKey) -> None:
        """Store it unless a key of the same ordinal is there; then do nothing."""
        ...
