"""Storing clients, and making their secrets."""

from collections.abc import Sequence
from typing import Protocol

from domain.client import Client, ClientId, ClientSecret


class ClientRepository(Protocol):
    async def add(self, client: Client) -> None:
        """Raises `ClientExists`; the work can go on after it. The store's own constraint decides."""
        ...

    async def remove(self, id: ClientId) -> bool:
        """Whether there was one."""
        ...

    async def list_all(self) -> Sequence[Client]:
        """All of them, by id: operators register a handful."""
        ...


class ClientSecrets(Protocol):
    def make(self) -> ClientSecret:
        """A new secret of 256 random bits."""
        ...
