"""What a password hash costs: whoever checks one, and whoever guesses."""

from dataclasses import dataclass, replace
from datetime import timedelta

AIM = timedelta(milliseconds=50)
_MOST_MEMORY = 262144
_MEBIBYTE = 1024


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

    def aiming_at(self, aim: timedelta, *, took: timedelta) -> "HashingCost":
        """What should take so long where this `took` that: memory first, which guessers lack. Never below the floor."""
        work = int(self.work * (aim / took))
        floor = HashingCost()
        memory = min(max(work // floor.time // _MEBIBYTE * _MEBIBYTE, floor.memory), _MOST_MEMORY)
        return replace(self, memory=memory, time=min(max(work // memory, floor.time), 16))
