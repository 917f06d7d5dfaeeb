"""What a password hash costs: whoever checks one, and whoever guesses."""

from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

AIM = timedelta(milliseconds=50)
MOST_MEMORY = 262144
_MOST_TIME = 16
_MEBIBYTE = 1024


def suits(took: timedelta) -> bool:
    """Whether a hash that takes so long is neither cheap to guess against nor more than a few at a time can wait for."""
    return AIM / 4 <= took <= AIM * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HashingCost:
    """OWASP's floor for argon2id. `memory` is in KiB, `time` in passes over it."""

    memory: int = 19456
    time: int = 2
    parallelism: int = 1

    @property
    def work(self) -> int:
        """What the time that it takes grows with."""
        return self.memory * self.time

    @property
    def traffic(self) -> int:
        """Bytes that one hash reads and writes, caches left out (RFC 9106, 3.4).

        A block read and one written for each KiB; from the second pass on the one that is replaced is read, too.
        """
        return self.memory * 1024 * (2 + 3 * (self.time - 1))

    def aiming_at(self, aim: timedelta, *, took: timedelta, most_memory: int = MOST_MEMORY) -> "HashingCost":
        """What should take so long where this `took` that: memory first, which guessers lack. Never below the floor."""
        work = int(self.work * (aim / took))
        floor = HashingCost()
        passes = min(max(ceil(work / most_memory), floor.time), _MOST_TIME)
        memory = min(max(work // passes // _MEBIBYTE * _MEBIBYTE, floor.memory), most_memory)
        return replace(floor, memory=memory, time=min(max(work // memory, floor.time), _MOST_TIME))
