"""Stand-ins for what is outside: predictable, and able to be asked what happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from application.ports.passwords import OPERATORS, Overloaded, UnknownHashFormat
from domain.events import Event
from domain.password import PasswordHash, PlainPassword
from domain.turn import Line, Turn


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


class FakePasswordHasher:
    """`new:` and `old:` before the password; `old:` is outdated. Counts what it was made to do."""

    def __init__(self) -> None:
        self.comparisons = 0
        self.full: set[Line] = set()

    @contextmanager
    def room(self, turn: Turn) -> Iterator[None]:
        if turn.line in self.full:
            raise Overloaded
        yield

    async def hash(self, password: PlainPassword, *, turn: Turn = OPERATORS) -> PasswordHash:
        del turn
        return PasswordHash(f"new:{password.text}")

    async def verify(self, password: PlainPassword, against: PasswordHash | None, *, turn: Turn = OPERATORS) -> bool:
        del turn
        self.comparisons += 1
        return against is not None and against.text.partition(":")[2] == password.text

    def is_outdated(self, hash: PasswordHash) -> bool:
        return hash.text.startswith("old:")

    def require_readable(self, hash: PasswordHash) -> None:
        if not hash.text.startswith(("old:", "new:")):
            raise UnknownHashFormat


class RecordedEvents:
    def __init__(self) -> None:
        self.all: list[Event] = []

    def record(self, event: Event) -> None:
        self.all.append(event)
