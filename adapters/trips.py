"""Refusals by limits, in the memory of the process."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import final

from application.ports.clock import Clock
from domain.audit import Act
from domain.audit_trips import Trip
from domain.origin import NOWHERE, Origin
from domain.user import UserId

MOST = 1_000
MOST_OF_AN_ACCOUNT = 100

Alike = tuple[str, UserId | None, str | None]


@final
class GatheredTrips:
    """Tells apart so many refusals in a minute, and of one account by one limit the first so many networks.

    Beyond that the network is left out, and then the account: else whoever has many networks fills the disk by being refused.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._trips: dict[Alike, Trip] = {}
        self._networks: Counter[tuple[str, UserId | None]] = Counter()
        self._due: dict[Alike, Trip] = {}

    def note(self, limit: str, *, user_id: UserId | None, origin: Origin) -> None:
        alike: Alike = (limit, user_id, origin.network)
        if alike not in self._trips and self._networks[alike[:2]] >= MOST_OF_AN_ACCOUNT:
            origin, alike = NOWHERE, (limit, user_id, None)
        if alike not in self._trips and len(self._trips) >= MOST:
            user_id, origin, alike = None, NOWHERE, (limit, None, None)
        known, now = self._trips.get(alike), self._clock.now()
        if known and not known.is_settled(now):
            self._trips[alike] = known.again()
            return
        self._networks[alike[:2]] += known is None
        self._trips[alike] = Trip(limit=limit, user_id=user_id, origin=replace(origin, device_token=""), first_at=now)

    def due(self, *, most: int, last: bool = False) -> Sequence[Act]:
        now = self._clock.now()
        self._trips = {alike: trip for alike, trip in self._trips.items() if not trip.is_settled(now)}
        self._networks = Counter(alike[:2] for alike in self._trips)
        due = ((alike, trip) for alike, trip in self._trips.items() if trip.is_due(now) or (last and trip.is_owed))
        self._due = dict(islice(due, most))
        return [trip.act() for trip in self._due.values()]

    def settle(self) -> None:
        for alike, trip in self._due.items():
            self._trips[alike] = replace(self._trips[alike], entered=trip.times)
        self._due = {}
