"""Find out which client is asking."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.client import Client, ClientId, ClientSecret, InvalidClient, InvalidClientId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateClient:
    """The client that has this secret, or `InvalidClient` (RFC 6749 2.3.1)."""

    store: Store

    async def __call__(self, *, id: str, secret: ClientSecret) -> Client:
        try:
            known = ClientId(id)
        except InvalidClientId:
            raise InvalidClient from None
        client = await self.store.live.find_client(known)
        if client is None or not client.has(secret):
            raise InvalidClient
        return client
