"""Until when a statement may act, by the time of the database that carries it out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import final

_NEVER = datetime.max.replace(tzinfo=UTC)


@final
class Deadlines:
    """Keeps a statement from acting after its sender has given it up, as a backend would that was stopped and goes on.

    By then its client has been told to come later, has come, and may be far ahead: what the statement finds looks as if a
    token spent long ago was replayed.

    The database's time is known from when it last told it, and taken to have told it only as its answer came: so a deadline
    is a little early, never late. No clock of a process is compared with the database's.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._told: tuple[datetime, float] | None = None

    def learn(self, told: datetime) -> None:
        """What the database's clock said in an answer that has just come."""
        self._told = told, self.now()

    def at(self, moment: float) -> datetime:
        """The database's time at a moment of this process; the end of time, while nothing has been told."""
        if self._told is None:
            return _NEVER
        told, then = self._told
        return told + timedelta(seconds=moment - then)
