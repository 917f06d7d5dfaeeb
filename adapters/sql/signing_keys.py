"""Signing keys in SQL."""

from typing import Any, final

from sqlalchemy import Insert, Row, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.schema import key_ring, signing_keys
from domain.signing_key import SigningKey


@final
class SqlSigningKeyRepository:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_if_absent(self, key: SigningKey) -> None:
        await self._connection.execute(update(key_ring).values(generation=key_ring.c.generation + 1))
        await self._connection.execute(
            self._insert_unless_conflict().values(
                kid=key.kid,
                ordinal=key.ordinal,
                algorithm=key.algorithm,
                created_at=key.created_at,
                sealed=key.sealed,
            )
        )

    def _insert_unless_conflict(self) -> Insert:
        # On the ordinal: kids differ, so that on the kid alone nothing would conflict.
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(signing_keys).on_conflict_do_nothing(index_elements=["ordinal"])
        return sqlite.insert(signing_keys).on_conflict_do_nothing(index_elements=["ordinal"])


def key_from_row(row: Row[Any]) -> SigningKey:
    return SigningKey(kid=row.kid, ordinal=row.ordinal, algorithm=row.algorithm, created_at=row.created_at, sealed=row.sealed)
