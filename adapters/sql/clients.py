"""Clients in SQL."""

from collections.abc import Sequence
from typing import Any, final

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.schema import clients
from domain.client import Client, ClientExists, ClientId


@final
class SqlClientRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, client: Client) -> None:
        row = {"id": client.id.text, "secret_digest": client.secret_digest, "registered_at": client.registered_at}
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(insert(clients).values(row))
        except IntegrityError:  # of a table whose one constraint is that of its key
            raise ClientExists from None

    async def remove(self, id: ClientId) -> bool:
        return (await self._connection.execute(delete(clients).where(clients.c.id == id.text))).rowcount == 1

    async def list_all(self) -> Sequence[Client]:
        rows = await self._connection.execute(select(clients))
        return sorted((client_from_row(row) for row in rows), key=lambda client: client.id.text)


def client_from_row(row: Any) -> Client:
    return Client(id=ClientId(row.id), secret_digest=row.secret_digest, registered_at=row.registered_at)
