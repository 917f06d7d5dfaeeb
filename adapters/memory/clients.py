"""Clients in a dictionary."""

from collections.abc import Sequence
from typing import final

from adapters.memory.tables import Overlay
from domain.client import Client, ClientExists, ClientId


@final
class MemoryClientRepository:
    def __init__(self, clients: Overlay[ClientId, Client]) -> None:
        self._clients = clients

    async def add(self, client: Client) -> None:
        if self._clients.get(client.id) is not None:
            raise ClientExists
        self._clients.put(client.id, client)

    async def remove(self, id: ClientId) -> bool:
        if self._clients.get(id) is None:
            return False
        self._clients.remove(id)
        return True

    async def list_all(self) -> Sequence[Client]:
        return sorted(self._clients.values(), key=lambda client: client.id.text)
