"""How often a password may be guessed: the attempts at one account, from wherever they come.

At most five are evaluated at first, then one after each wait, and after a hundred failures in a row none (NIST SP 800-63B
5.2.2). A place is reserved before the password is looked at: what is in flight counts as if it had failed.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from domain.throttle import Throttled, in_words

FREE = 5
MOST = 100
MOST_OF_A_DEVICE = 10
MOST_DEVICES = 20
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
KEPT_FOR = timedelta(days=30)  # at a name that nobody has
DEVICE_KEPT_FOR = timedelta(days=180)  # as long as its token could be good
HELD_FOR = timedelta(seconds=10)  # longer than any answer takes: a process that was killed gives no place back


class Admission(StrEnum):
    RESERVED = "reserved"
    FULL = "full"  # every place is reserved: none is to be had until one is settled
    EARLY = "early"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` failures in a row without a wait, and `most` in all."""

    free: int
    most: int


OF_AN_ACCOUNT = Rule(FREE, MOST)
OF_A_DEVICE = Rule(MOST_OF_A_DEVICE, MOST_OF_A_DEVICE)


def wait_after(failures: int) -> timedelta:
    """How long after the last of so many failures in a row the next attempt may come."""
    if failures < FREE:
        return timedelta()
    return min(FIRST_WAIT * (1 << min(failures - FREE, 12)), LONGEST_WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What is known of an account's attempts: those that failed in a row, and those of which nothing is known yet."""

    failures: int = 0
    reserved: int = 0
    reserved_until: datetime | None = None
    free_at: datetime | None = None
    devices: int = 0  # that have logged in

    def reserve(self, now: datetime, rule: Rule = OF_AN_ACCOUNT) -> tuple[Self, Admission]:
        """Take a place, if one is to be had. Places that nobody settled in time were failures."""
        known = self._without_lost(now)
        admission = known._admit(now, rule)
        if admission is Admission.RESERVED:
            known = replace(known, reserved=known.reserved + 1, reserved_until=now + HELD_FOR)
        return known, admission

    def fail(self, now: datetime) -> Self:
        failures = self.failures + 1
        return replace(self.give_back(), failures=failures, free_at=now + wait_after(failures))

    def succeed(self) -> Self:
        return self.give_back().forgive()

    def succeed_anew(self) -> Self:
        """On a device that was not known."""
        return replace(self.succeed(), devices=self.devices + 1)

    def has_left_behind(self, number: int) -> bool:
        """Whether as many devices as are spared the waits are newer than this one."""
        return number <= self.devices - MOST_DEVICES

    def forgive(self) -> Self:
        return replace(self, failures=0, free_at=None)

    def give_back(self) -> Self:
        """For an attempt that was not evaluated."""
        return replace(self, reserved=max(self.reserved - 1, 0))

    def retry_after(self, now: datetime) -> timedelta:
        return max((self.free_at or now) - now, timedelta())

    def is_idle(self, now: datetime, kept_for: timedelta) -> bool:
        return self.reserved_until is None or self.reserved_until <= now - kept_for

    def _without_lost(self, now: datetime) -> Self:
        if not self.reserved or self.reserved_until is None or now < self.reserved_until:
            return self
        failures = self.failures + self.reserved
        return replace(self, failures=failures, reserved=0, free_at=self.reserved_until + wait_after(failures))

    def _admit(self, now: datetime, rule: Rule) -> Admission:
        if self.failures >= rule.most:
            return Admission.CLOSED
        if self.failures < rule.free:
            return Admission.RESERVED if self.failures + self.reserved < rule.free else Admission.FULL
        if self.free_at is not None and now < self.free_at:
            return Admission.EARLY
        return Admission.FULL if self.reserved else Admission.RESERVED


class TooManyFailures(Throttled):
    """Also for a name that nobody has: the refusal does not tell."""

    code: ClassVar[str] = "too_many_failures"
    policy = "account"
    quota = 1

    def __init__(self, retry_after: timedelta = FIRST_WAIT) -> None:
        self.window = self.retry_after = retry_after

    @property
    def detail(self) -> str:  # type: ignore[override]  # a property of the field, as Refusal has it
        return (
            "Too many wrong passwords were tried for this account, by you or by somebody else. Nothing is lost: try again in"
            f" {in_words(self.retry_after)}, or at once on a device that has logged in before. Each further wrong password"
            " makes the wait longer."
        )


class LogInClosed(Throttled):
    code: ClassVar[str] = "log_in_closed"
    policy = "account"
    quota = 1
    window = retry_after = LONGEST_WAIT
    detail = (
        "A hundred wrong passwords in a row were tried for this account, and it takes no more of them. Where you are logged in"
        " you stay logged in, and a device that has logged in before still can. Ask who runs this service to open it again."
    )
