"""See the signing keys, and where each is in its life."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.key_ring import StoredKeyRing


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListSigningKeys:
    """The ring as it is stored, also with keys that do not open here."""

    store: Store

    async def __call__(self) -> StoredKeyRing:
        return await self.store.live.read_key_ring()
