"""Which refresh tokens this process has told to come later."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import final

from application.ports.unit_of_work import StoreUnavailable
from domain.session import PresentedRefreshToken, SessionId

_MOST_REMEMBERED = 10_000
_Token = tuple[SessionId, int]


@final
class Deferrals:
    """Lets a token's window stand still from when it was told to come later until it comes again.

    Storage need not be away for that: a backend that is stopped in the middle of a commit holds the row of one session for
    as long as it is stopped, and then commits a rotation whose time is long past.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: OrderedDict[_Token, tuple[float, float]] = OrderedDict()  # when first, and when last

    def of(self, presented: PresentedRefreshToken, window: timedelta) -> "_Deferral":
        """The window as it is for this token, which is remembered if storage turns out to be unavailable."""
        token, began = (presented.session_id, presented.counter), self._now()
        first, last = self._told.get(token, (began, began))
        if began - last > window.total_seconds():
            first = began
        return _Deferral(self, token, first, window + timedelta(seconds=began - first))

    def remember(self, token: _Token, first: float) -> None:
        self._told[token] = first, self._now()
        self._told.move_to_end(token)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)


@final
class _Deferral:
    """A class, since a generator costs three times as much, and each refresh has one of these."""

    __slots__ = ("_deferrals", "_first", "_token", "_window")

    def __init__(self, deferrals: Deferrals, token: _Token, first: float, window: timedelta) -> None:
        self._deferrals = deferrals
        self._token = token
        self._first = first
        self._window = window

    def __enter__(self) -> timedelta:
        return self._window

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, StoreUnavailable):
            self._deferrals.remember(self._token, self._first)
