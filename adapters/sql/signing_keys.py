"""Signing keys in SQL. Whoever changes one locks the ring's row, so that changes take turns."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, final

from sqlalchemy import Row, Select, delete, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engines import StoreTime
from adapters.sql.schema import key_ring, signing_keys
from domain.key_ring import StoredKeyRing
from domain.signing_key import SigningKey

# A column for statements about something else: whoever runs one hears by it that the keys have changed.
RING_GENERATION = select(key_ring.c.generation).scalar_subquery().label("ring_generation")


@final
class SqlSigningKeyRepository:
    def __init__(self, connection: AsyncConnection, time: StoreTime) -> None:
        self._connection = connection
        self._time = time

    async def lock(self) -> StoredKeyRing:
        await self._connection.execute(select(key_ring.c.id).with_for_update())
        # Read after the wait, and at the time after it: what a rival decided meanwhile is not in the future.
        return ring_from_rows((await self._connection.execute(whole_ring(self._time))).all())

    async def save(self, ring: StoredKeyRing) -> None:
        await self._connection.execute(update(key_ring).values(generation=key_ring.c.generation + 1))
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        for key in ring.keys:
            values = asdict(key)
            added = dialect.insert(signing_keys).values(values)
            await self._connection.execute(added.on_conflict_do_update(index_elements=["kid"], set_=values))

    async def remove(self, keys: Iterable[SigningKey]) -> None:
        await self._connection.execute(delete(signing_keys).where(signing_keys.c.kid.in_([key.kid for key in keys])))


def whole_ring(time: StoreTime) -> Select[Any]:
    return (
        select(key_ring.c.generation, time.this_moment().label("as_of"), *signing_keys.c)
        .select_from(key_ring.outerjoin(signing_keys, true()))
        .order_by(signing_keys.c.ordinal)
    )


def ring_from_rows(rows: Sequence[Row[Any]]) -> StoredKeyRing:
    keys = tuple(_from_row(row) for row in rows if row.kid)
    return StoredKeyRing(generation=rows[0].generation, as_of=rows[0].as_of, keys=keys)


def _from_row(row: Row[Any]) -> SigningKey:
    return SigningKey(
        kid=row.kid,
        ordinal=row.ordinal,
        algorithm=row.algorithm,
        created_at=row.created_at,
        sealed=row.sealed,
        signs_from=row.signs_from,
        signs_until=row.signs_until,
        verifies_until=row.verifies_until,
        disarmed_at=row.disarmed_at,
        compromised_at=row.compromised_at,
    )
