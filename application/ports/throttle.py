"""Slowing down who asks too often, and who guesses."""

from dataclasses import dataclass
from typing import Protocol

from domain.origin import Origin
from domain.throttle import Action
from domain.user import User, UserId


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that a user has logged in with: the `number`-th of the account, of which the 20 newest are spared the waits."""

    id: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Place:
    """Among the attempts at an account, reserved by one of them, which settles it once."""

    account: str
    is_shared: bool  # with other processes
    forgiven: str | None = None  # the account that a success of its device forgives
    device: KnownDevice | None = None


class Throttle(Protocol):
    """Never raises because its state is away: then each process decides alone, by what it has seen itself."""

    async def admit(self, action: Action, origin: Origin) -> None:
        """Count a request, or raise `TooManyRequests`."""
        ...

    def turn_away(self, action: Action, origin: Origin) -> None:
        """Raise `TooManyRequests` where the address is known to be beyond the limit. Counts nothing, and asks nobody."""
        ...

    async def turn_away_from(self, *, identifier: str, origin: Origin) -> None:
        """Raise what `reserve` would where an attempt at the account was refused within the last second, but for devices'.

        Asks nobody, so that who hammers an account costs little. The request counts towards its address' limit as there.
        """
        ...

    async def reserve(self, user: User | None, *, identifier: str, origin: Origin) -> Place:
        """Take a place among the attempts at an account, before the password is looked at.

        Where the origin has a good token of a device, and fewer than 20 newer ones have logged in, the place is among the
        attempts of that: neither account nor address counts then, and ten failures in a row void it. An account whose devices
        have logged in ten times as often as an address may is counted like any other for a while.

        An identifier that nobody has is counted as an account is. While the places are all reserved, waits; for 2 seconds at
        most. Raises `TooManyRequests`, `TooManyFailures` and `LogInClosed`.
        """
        ...

    def is_of_a_device(self, origin: Origin) -> bool:
        """Whether the origin has a token of some account's device, of use or not."""
        ...

    def is_spared(self, user: User | None, origin: Origin) -> bool:
        """Whether the origin has a good token of a device of this user, which for now need not wait among all others."""
        ...

    async def fail(self, place: Place) -> None: ...

    async def succeed(self, place: Place) -> KnownDevice | None:
        """Give the place back, and forget the failures before it.

        The device is that of the place, or a new one; `None` for one that cannot be numbered, the state being away.
        """
        ...

    def device_token(self, user: User, device: KnownDevice | None) -> str:
        """For the device that the user has just typed the password on. Empty for none.

        It is good until the password changes, until 20 newer devices have logged in, and for 180 days at most.
        """
        ...

    async def give_back(self, place: Place) -> None:
        """For an attempt that was not evaluated."""
        ...

    async def reopen(self, user_id: UserId) -> None:
        """Forget the failures. Raises `StoreUnavailable` where others could not be told."""
        ...
