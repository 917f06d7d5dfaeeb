"""When storage was away, as this process saw it."""

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import final

_MOST_REMEMBERED = 100


@final
class Outages:
    """Lets a window stand still while storage is away: nobody can come back in time then.

    A rotation whose answer is lost as storage goes away may be stored all the same. Its client asks again at once, is told to
    come later, and comes when storage is back, however long that takes; by the clock alone it would look like a thief.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._began: float | None = None
        self._last_success = -float("inf")
        self._over: deque[tuple[float, float]] = deque(maxlen=_MOST_REMEMBERED)

    def failed(self, *, since: float) -> None:
        """An attempt that began at `since` has failed: storage is away from then, or from the last success."""
        if self._began is None:
            self._began = max(since, self._last_success)

    def succeeded(self) -> None:
        self._last_success = self.now()
        if self._began is not None:
            self._over.append((self._began, self._last_success))
            self._began = None

    def stretched(self, window: timedelta) -> timedelta:
        """As far back as a time can lie for `window` to be open still, if it is not counted while storage is away."""
        left, away, reached = window.total_seconds(), 0.0, self.now()
        if self._began is not None:
            away, reached = reached - self._began, self._began
        for began, ended in reversed(self._over):
            left -= max(0.0, reached - ended)
            if left <= 0:
                break
            away += min(ended, reached) - began
            reached = began
        return window + timedelta(seconds=away)
