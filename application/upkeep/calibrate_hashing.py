"""Find the cost of a password hash that suits this machine."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import final

from application.ports.passwords import HashingTimes
from domain.calibration import Aim, TriedCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`best` is of what was `tried` up to now. `copied` is in bytes per second, of one core while nothing is hashed."""

    cores: int
    copied: float
    tried: tuple[TriedCost, ...]
    best: TriedCost

    @property
    def asked_of_memory(self) -> float:
        """Which share of what the cores can read and write the best asks for, if no cache helped: no more than that."""
        hashed = self.best.cost.traffic / self.best.took.total_seconds()
        return hashed / (2 * self.copied)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateHashing:
    """Hash on every core at once, and copy memory beside it, with one cost after another until the aim is met or cannot be.

    Tells after each try; the last is the outcome. Never goes below OWASP's floor: a machine too slow for it is told so by
    what the floor takes there.
    """

    hashing_times: HashingTimes

    async def __call__(self, *, aim: Aim) -> AsyncGenerator[Calibration, None]:
        copied = self.hashing_times.copy()
        tried: tuple[TriedCost, ...] = ()
        while cost := aim.next(tried):
            beside = self.hashing_times.measure_on_every_core(cost)
            tried = (*tried, TriedCost(cost=cost, took=beside.took, free=min(beside.copied / copied, 1.0)))
            yield Calibration(cores=self.hashing_times.cores, copied=copied, tried=tried, best=aim.best(tried))
