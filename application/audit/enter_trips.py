"""Enter that limits refused requests."""

from dataclasses import dataclass
from typing import final

from application.ports.trips import Trips
from application.ports.unit_of_work import Store

MOST_AT_ONCE = 500


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EnterTrips:
    """Tell the record of what this process refused since it last did. Each process does once a second.

    No request waits for it. What cannot be entered is tried again the next time. The `last` time, before the process stops, all
    is told, also of the minute that is not over.
    """

    store: Store
    trips: Trips

    async def __call__(self, *, last: bool = False) -> None:
        while acts := self.trips.due(most=MOST_AT_ONCE, last=last):
            async with self.store.begin() as work:
                for act in acts:
                    await work.audit.add(act)
                await work.commit()
            self.trips.settle()
            if not last:
                return
