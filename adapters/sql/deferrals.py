"""Which refresh tokens this process has told to come later."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import final

from application.ports.unit_of_work import StoreUnavailable
from domain.session import PresentedRefreshToken, SessionId

_MOST_REMEMBERED = 10_000


@final
class Deferrals:
    """Lets a token's window stand still from when it was told to come later until it comes again.

    Storage need not be away for that: a backend that is stopped in the middle of a commit holds the row of one session for
    as long as it is stopped, and then commits a rotation whose time is long past.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: OrderedDict[tuple[SessionId, int], tuple[float, float]] = OrderedDict()  # when first, and when last

    @contextmanager
    def of(self, presented: PresentedRefreshToken, window: timedelta) -> Iterator[timedelta]:
        """The window as it is for this token, which is remembered if storage turns out to be unavailable."""
        token, began = (presented.session_id, presented.counter), self._now()
        first, last = self._told.get(token, (began, began))
        if began - last > window.total_seconds():
            first = began
        try:
            yield window + timedelta(seconds=began - first)
        except StoreUnavailable:
            self._told[token] = first, self._now()
            self._told.move_to_end(token)
            if len(self._told) > _MOST_REMEMBERED:
                self._told.popitem(last=False)
            raise
