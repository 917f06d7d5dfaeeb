"""How long hashing a password takes on this machine."""

from dataclasses import dataclass
from datetime import timedelta
from typing import final

from application.ports.passwords import HashingTimes
from domain.hashing_cost import AIM, HashingCost, suits

_LONGEST = timedelta(seconds=0.5)  # of one hash that is tried


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is set `took` so long. Where that does not suit this machine, `better` may, and was seen to take `better_took`."""

    took: timedelta
    better: HashingCost | None = None
    better_took: timedelta = timedelta()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureHashing:
    """Time what is set; reckon it from OWASP's floor where that is too long. Keeps a processor busy for two seconds at most."""

    hashing_times: HashingTimes
    hashing_cost: HashingCost

    async def __call__(self) -> Measured:
        cost, floor = self.hashing_cost, HashingCost()
        of_floor = self.hashing_times.measure(floor)
        reckoned = of_floor * (cost.work / floor.work)
        took = self.hashing_times.measure(cost) if reckoned <= _LONGEST else reckoned
        better = floor.aiming_at(AIM, took=of_floor)
        if suits(took) or better == cost:
            return Measured(took=took)
        better_took = of_floor if better == floor else self.hashing_times.measure(better)
        return Measured(took=took, better=better, better_took=better_took)
