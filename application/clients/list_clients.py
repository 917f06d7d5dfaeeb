"""See which clients there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.client import Client


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListClients:
    """All clients, by id."""

    store: Store

    async def __call__(self) -> Sequence[Client]:
        async with self.store.begin() as work:
            return await work.clients.list_all()
