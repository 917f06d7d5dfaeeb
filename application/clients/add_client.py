"""Register a client."""

from dataclasses import dataclass
from typing import final

from application.ports.clients import ClientSecrets
from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.client import Client, ClientId, ClientSecret


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AddClient:
    """Register a client and give its secret, this once; or raise `ClientExists`. The store keeps a digest."""

    store: Store
    client_secrets: ClientSecrets
    clock: Clock

    async def __call__(self, *, id: ClientId) -> ClientSecret:
        secret = self.client_secrets.make()
        async with self.store.begin() as work:
            await work.clients.add(Client(id=id, secret_digest=secret.digest, registered_at=self.clock.now()))
            await work.audit.add(by_operator(Action.CLIENT_ADD, target=id.text))
            await work.commit()
        return secret
