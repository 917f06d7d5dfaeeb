"""Which cost of a password hash suits a machine: decisions only, of what was measured elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.hashing_cost import AIM, MOST_MEMORY, HashingCost

MOST_TRIES = 10
_FLOOR = HashingCost()
_NEAR = 0.1  # of the aim: two measurements of the same differ by as much
_WELL = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedCost:
    """What was seen while every core hashed: how long one hash `took`, and which share of its speed copying kept (`free`)."""

    cost: HashingCost
    took: timedelta
    free: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A hash should take so long while every core hashes, and others keep so much of the memory's bandwidth."""

    took: timedelta = AIM
    free: float = 0.7

    def is_kept_to(self, tried: TriedCost) -> bool:
        return self._is_in_time(tried) and tried.took >= self.took * (1 - _WELL) and tried.free >= self.free

    def next(self, tried: Sequence[TriedCost]) -> HashingCost | None:
        """What to try after these, the floor first; nothing when another try would tell nothing new."""
        if not tried:
            return _FLOOR
        last = tried[-1]
        crowded = [one.cost.memory // 2 for one in tried if one.free < self.free]
        most_memory = max(min(crowded, default=MOST_MEMORY), _FLOOR.memory)
        if len(tried) >= MOST_TRIES:
            return None
        if abs(last.took - self.took) <= self.took * _NEAR and last.cost.memory <= most_memory:
            return None
        better = last.cost.aiming_at(self.took, took=last.took, most_memory=most_memory)
        return None if any(one.cost == better for one in tried) else better

    def best(self, tried: Sequence[TriedCost]) -> TriedCost:
        """The dearest for guessers of those that keep to the aim; failing that of those in time, the one that leaves most."""
        in_time = [one for one in tried if self._is_in_time(one)]
        leaving = [one for one in in_time if one.free >= self.free]
        if leaving:
            return max(leaving, key=lambda one: (one.cost.work, one.cost.memory))
        if in_time:
            return max(in_time, key=lambda one: (one.free, one.cost.work))
        return min(tried, key=lambda one: one.cost.work)

    def _is_in_time(self, tried: TriedCost) -> bool:
        return tried.took <= self.took * (1 + _WELL)
