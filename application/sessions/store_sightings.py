"""Store when sessions were last seen."""

from dataclasses import dataclass
from typing import final

from application.ports.sightings import Sightings
from application.ports.unit_of_work import Store

MOST_AT_ONCE = 500


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSightings:
    """Tell the store which sessions this process has seen since it last did. Each process does once a minute.

    No request waits for it. What cannot be stored is forgotten: later it would be told at a wrong time.
    """

    store: Store
    sightings: Sightings

    async def __call__(self) -> None:
        seen = self.sightings.take()
        for start in range(0, len(seen), MOST_AT_ONCE):
            await self.store.live.mark_seen(seen[start : start + MOST_AT_ONCE])
