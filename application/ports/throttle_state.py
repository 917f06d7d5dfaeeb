"""What is counted to slow people down, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.attempts import OF_AN_ACCOUNT, Admission, Rule
from domain.throttle import Limit, Verdict

UNKNOWN = "~"  # before the key of an identifier that nobody has
DEVICE = "device:"  # before the key of a device


@dataclass(frozen=True, slots=True)
class Hit:
    """One request, under the key that it is counted by."""

    key: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Among:
    """Which of the devices of an account."""

    account: str
    number: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """`admission` is missing where a hit was refused, or the device is left behind. `retry_after` is of `Admission.EARLY`."""

    verdicts: Sequence[Verdict]
    admission: Admission | None = None
    retry_after: timedelta = timedelta()


class ThrottleState(Protocol):
    """What was counted. Each method is atomic, commits by itself and takes one round trip; a crash may lose the last of them.

    Time is the store's own where it has one. Methods raise `StoreUnavailable` when it is away.
    """

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Verdict]:
        """Take one of each limit, where there is one: a verdict for each, in their order. What is refused takes nothing."""
        ...

    async def reserve(
        self, account: str, *, hits: Sequence[Hit], rule: Rule = OF_AN_ACCOUNT, among: Among | None = None
    ) -> Reservation:
        """Hit, and where nothing is refused take a place among the account's attempts (`domain.attempts`).

        For a device, `among` says whose: nothing is reserved where that account has left it behind. It has no hits.
        """
        ...

    async def fail(self, account: str) -> None: ...

    async def succeed(self, account: str, *, forgiving: str | None = None) -> None:
        """`forgiving` names another account whose failures are forgotten too."""
        ...

    async def succeed_anew(self, account: str) -> int:
        """As `succeed`, on a new device: its number, from 1. 0 where nothing is known of the account any more."""
        ...

    async def give_back(self, account: str) -> None: ...

    async def forget_idle(self, *, limit: int) -> int:
        """Remove what no longer decides anything, so many of it at most; how much it was.

        Failures at an account are kept for ever, those at a name that nobody has for 30 days, those of a device for 180.
        """
        ...
