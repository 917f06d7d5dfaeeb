"""Slowing down who asks too often, and who guesses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.attempts import OF_AN_ACCOUNT, Admission, Rule
from domain.origin import Origin
from domain.throttle import Action, Limit, Verdict
from domain.user import User, UserId


@dataclass(frozen=True, slots=True)
class Place:
    """Among the attempts at an account, reserved by one of them, which settles it once."""

    account: str
    is_shared: bool  # with other processes
    forgiven: str | None = None  # the account that a success of its device forgives


UNKNOWN = "~"  # before the key of an identifier that nobody has
DEVICE = "device:"  # before the key of a device


class Throttle(Protocol):
    """Never raises because its state is away: then each process decides alone, by what it has seen itself."""

    async def admit(self, action: Action, origin: Origin) -> None:
        """Count a request, or raise `TooManyRequests`."""
        ...

    async def reserve(self, user: User | None, *, identifier: str, origin: Origin) -> Place:
        """Take a place among the attempts at an account, before the password is looked at.

        Where the origin has a good token of a device, the place is among the attempts of that: neither account nor address
        counts then, and ten failures in a row void it. An account whose devices have logged in ten times as often as an
        address may is counted like any other for a while.

        An identifier that nobody has is counted as an account is. While the places are all reserved, waits; for 2 seconds at
        most. Raises `TooManyRequests`, `TooManyFailures` and `LogInClosed`.
        """
        ...

    async def fail(self, place: Place) -> None: ...

    async def succeed(self, place: Place) -> None:
        """Give the place back, and forget the failures before it."""
        ...

    def device_token(self, user: User, place: Place) -> str:
        """For the device that the user has just logged in with: it is good until the password changes, for 180 days at most.

        The same device again where the place was of one, else a new one.
        """
        ...

    async def give_back(self, place: Place) -> None:
        """For an attempt that was not evaluated."""
        ...

    async def reopen(self, user_id: UserId) -> None:
        """Forget the failures. Raises `StoreUnavailable` where others could not be told."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """One request, under the key that it is counted by."""

    key: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Reservation:
    """`admission` is missing where a hit was refused. `retry_after` is of `Admission.EARLY`."""

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

    async def reserve(self, account: str, *, hits: Sequence[Hit], rule: Rule = OF_AN_ACCOUNT) -> Reservation:
        """Hit, and where nothing is refused take a place among the account's attempts (`domain.attempts`)."""
        ...

    async def fail(self, account: str) -> None: ...

    async def succeed(self, account: str, *, forgiving: str | None = None) -> None:
        """`forgiving` names another account whose failures are forgotten too."""
        ...

    async def give_back(self, account: str) -> None: ...

    async def forget_idle(self, *, limit: int) -> int:
        """Remove what no longer decides anything, so many of it at most; how much it was.

        Failures at an account are kept for ever, those at a name that nobody has for 30 days, those of a device for 180.
        """
        ...
