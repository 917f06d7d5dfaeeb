"""How long hashing a password takes on this machine."""

from dataclasses import dataclass
from datetime import timedelta
from typing import final

from application.ports.passwords import HashingTimes
from domain.hashing_cost import HashingCost

_LONGEST = timedelta(seconds=0.5)  # of one hash that is tried


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureHashing:
    """Time what is set; reckon it from OWASP's floor where that is too long. Keeps a processor busy for two seconds at most."""

    hashing_times: HashingTimes
    hashing_cost: HashingCost

    async def __call__(self) -> timedelta:
        cost, floor = self.hashing_cost, HashingCost()
        reckoned = self.hashing_times.measure(floor) * (cost.work / floor.work)
        return self.hashing_times.measure(cost) if reckoned <= _LONGEST else reckoned
