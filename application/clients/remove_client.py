"""Forget a client."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.client import ClientId, ClientUnknown


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveClient:
    """Forget a client, whose secret is worth nothing from the next request on; or raise `ClientUnknown`."""

    store: Store

    async def __call__(self, *, id: ClientId) -> None:
        async with self.store.begin() as work:
            if not await work.clients.remove(id):
                raise ClientUnknown
            await work.audit.add(by_operator(Action.CLIENT_REMOVE, target=id.text))
            await work.commit()
