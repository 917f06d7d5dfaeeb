"""How many requests: limits by the generic cell rate algorithm (GCRA), and the refusal beyond them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self, assert_never

from domain.errors import Refusal

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SHAPE = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,4})([smhd])/([a-z]+)")
_TIGHTER = 10


class Per(StrEnum):
    ADDRESS = "address"
    PROCESS = "process"


class Action(StrEnum):
    """What is limited by address. The names stand in answers."""

    SIGN_UP = "sign_up"
    LOG_IN = "log_in"
    REFRESH = "refresh"
    INTROSPECTION = "introspection"
    FEED = "feed"


class InvalidLimit(ValueError):
    """Not a limit as operators write it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one request. `due_at` is what is stored: when all that was used will have come back.

    `remaining` is how many more would be let through now, and `retry_after` how long it takes until one is, if none is.
    """

    allowed: bool
    due_at: datetime
    remaining: int
    retry_after: timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """`count` requests at once; each comes back after its share of `period`. Written as `10/1h/address`."""

    count: int
    period: timedelta
    per: Per = Per.ADDRESS

    def __post_init__(self) -> None:
        if self.count < 1 or self.period < timedelta(seconds=1):
            raise InvalidLimit("a limit lets through one request or more, in a second or longer")

    @classmethod
    def parse(cls, text: str) -> Self:
        shape = _SHAPE.fullmatch(text.strip())
        if shape is None or shape[4] not in set(Per):
            raise InvalidLimit(
                "a limit is written as 10/1h/address: how many, in how many s, m, h or d, per address or process"
            )
        return cls(int(shape[1]), int(shape[2]) * _UNITS[shape[3]], Per(shape[4]))

    def __str__(self) -> str:
        unit = max((name for name, size in _UNITS.items() if not self.period % size), key=_UNITS.__getitem__)
        return f"{self.count}/{self.period // _UNITS[unit]}{unit}/{self.per}"

    @property
    def share(self) -> timedelta:
        """What one request takes of the period, in whole microseconds."""
        return self.period // self.count

    @property
    def depth(self) -> timedelta:
        """As many shares as there are requests: the period, but for the rounding."""
        return self.share * self.count

    @property
    def tightened(self) -> Self:
        """A tenth of it."""
        return type(self)(max(self.count // _TIGHTER, 1), self.period, self.per)

    def widened(self, factor: int) -> Self:
        return type(self)(self.count * factor, self.period, self.per)

    def hit(self, due_at: datetime | None, now: datetime) -> Verdict:
        """Take one, if there is one: beside what was taken before, of which `due_at` is all that is known."""
        began = max(due_at, now) if due_at else now
        allowed = began + self.share <= now + self.depth
        return self.verdict(began + self.share if allowed else began, now, allowed=allowed)

    def verdict(self, due_at: datetime, now: datetime, *, allowed: bool) -> Verdict:
        """What follows from what was stored, and whether the request was let through."""
        left = max(now + self.depth - due_at, timedelta())
        short = self.share - left
        return Verdict(allowed, due_at, left // self.share, max(short, timedelta()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`log_ins_of_all` refuses nobody: beyond it the limit of each address is a tenth of what it was.

    `feed` is what one process tells an address: to count a read with others would cost as much as the read.
    """

    sign_up: Limit = Limit(10, timedelta(hours=1))
    log_in: Limit = Limit(60, timedelta(minutes=10))
    log_ins_of_all: Limit = Limit(600, timedelta(minutes=1), Per.PROCESS)
    refresh_failures: Limit = Limit(60, timedelta(minutes=10))
    introspection: Limit = Limit(6000, timedelta(minutes=1))
    feed: Limit = Limit(3000, timedelta(minutes=1))

    def of(self, action: Action) -> Limit:
        match action:
            case Action.SIGN_UP:
                return self.sign_up
            case Action.LOG_IN:
                return self.log_in
            case Action.REFRESH:
                return self.refresh_failures
            case Action.INTROSPECTION:
                return self.introspection
            case Action.FEED:
                return self.feed
            case _:
                assert_never(action)


class Throttled(Refusal):
    """Too much, too fast. What was asked may be right: later it will be looked at.

    `policy` names the limit, which lets through `quota` in each `window`.
    """

    policy: str
    quota: int
    window: timedelta
    retry_after: timedelta


class TooManyRequests(Throttled):
    code: ClassVar[str] = "too_many_requests"

    def __init__(self, policy: str, limit: Limit, retry_after: timedelta) -> None:
        self.policy = policy
        self.quota = limit.count
        self.window = limit.period
        self.retry_after = retry_after

    @property
    def detail(self) -> str:  # type: ignore[override]  # a property of the field, as Refusal has it
        return f"Too many requests came from your address. Try again in {in_words(self.retry_after)}."


def in_words(span: timedelta) -> str:
    """Rounded up: who waits for so long is not refused again."""
    seconds = whole_seconds(span)
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds > 2 * size:
            return f"{-(-seconds // size)} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def whole_seconds(span: timedelta) -> int:
    """One at least, rounded up."""
    return max(-(-span // timedelta(seconds=1)), 1)
