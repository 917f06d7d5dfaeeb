"""How long hashing a password takes on this machine."""

from dataclasses import dataclass
from datetime import timedelta
from typing import final

from application.ports.passwords import HashingTimes
from domain.hashing_cost import AIM, HashingCost

_LONGEST = timedelta(seconds=0.5)  # of one hash that is tried


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredHashing:
    """`took` is what `cost` takes: tried, or reckoned where that is too long. `better` is missing where it is well."""

    cost: HashingCost
    took: timedelta
    better: HashingCost | None = None
    better_took: timedelta | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureHashing:
    """Time what is set, and where it takes less than a quarter of 50 ms, or four times as long, what would take those.

    Keeps a processor busy for two seconds at most.
    """

    hashing_times: HashingTimes
    hashing_cost: HashingCost

    async def __call__(self) -> MeasuredHashing:
        cost, floor = self.hashing_cost, HashingCost()
        at_floor = self.hashing_times.measure(floor)
        reckoned = at_floor * (cost.work / floor.work)
        took = self.hashing_times.measure(cost) if reckoned <= _LONGEST else reckoned
        if AIM / 4 <= took <= AIM * 4:
            return MeasuredHashing(cost=cost, took=took)
        better = floor.aiming_at(AIM, took=at_floor)
        if better == cost:
            return MeasuredHashing(cost=cost, took=took)
        return MeasuredHashing(cost=cost, took=took, better=better, better_took=self.hashing_times.measure(better))
