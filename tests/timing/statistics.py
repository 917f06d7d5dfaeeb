"""Whether two sets of times differ by more than noise."""

import math
from collections.abc import Sequence
from statistics import median, quantiles


def tells_apart(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether an observer could: by rank (Mann-Whitney U, p < 0.001) and by what matters, the floor.

    Noise only ever adds time, so the 20th percentile carries the signal: 3 ms or a tenth of the median is too much.
    """
    floors = [quantiles(times, n=5)[0] for times in (one, other)]
    too_much = max(0.003, median([*one, *other]) / 10)
    return abs(floors[0] - floors[1]) > too_much and p_value(one, other) < 0.001


def p_value(one: Sequence[float], other: Sequence[float]) -> float:
    """Of the Mann-Whitney U test, two-sided, by the normal approximation."""
    wins = sum((a > b) + (a == b) / 2 for a in one for b in other)
    pairs = len(one) * len(other)
    spread = math.sqrt(pairs * (len(one) + len(other) + 1) / 12)
    return math.erfc(abs(wins - pairs / 2) / spread / math.sqrt(2))
