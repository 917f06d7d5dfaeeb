"""Waiting for one of a few connections, when many ask at once."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import final

_SECONDS_OF_SILENCE = 1.0
_LOOKS = 20


@final
@dataclass(frozen=True, slots=True)
class Wait:
    """How long somebody waited who may have a connection now, and for how many seconds storage had answered nobody by then."""

    waited: timedelta
    silence: float


_AT_ONCE = Wait(timedelta(0), 0.0)


@final
class WaitingLine:
    """First come, first served, for as long as storage answers anybody; refused after a second in which it answered nobody.

    A bound on the wait itself would refuse those at the end of a line that moves. The pool has such a bound, and lets a late
    comer go first: so it never has more than it can serve at once.

    Silence is counted in looks at regular times, not by the clock: what storage has answered is heard between two looks, so a
    process that had no time to listen does not take that for silence.
    """

    def __init__(self, places: int, *, silence: float = _SECONDS_OF_SILENCE) -> None:
        self._free = places
        self._between_looks = silence / _LOOKS
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._looks = 0
        self._answered = 0  # at which look
        self._looking = False

    def answered(self) -> None:
        """Storage has answered somebody."""
        self._answered = self._looks

    async def __aenter__(self) -> Wait:
        """Raises `TimeoutError` where the wait is hopeless."""
        if self._free:
            self._free -= 1
            return _AT_ONCE
        return await self._wait()

    async def __aexit__(self, *_: object) -> None:
        self._call_the_next()

    async def _wait(self) -> Wait:
        loop = asyncio.get_running_loop()
        came, began, called = self._looks, loop.time(), loop.create_future()
        self._waiting.append((came, called))
        if not self._looking:
            self._look_later()
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled() and not called.exception():
                self._call_the_next()  # was called, and leaves all the same
            raise
        return Wait(timedelta(seconds=loop.time() - began), self._silent_looks(came) * self._between_looks)

    def _call_the_next(self) -> None:
        while self._waiting:
            _, called = self._waiting.popleft()
            if not called.done():
                called.set_result(None)
                return
        self._free += 1

    def _silent_looks(self, came: int) -> int:
        return self._looks - max(came, self._answered)

    def _look_later(self) -> None:
        self._looking = True
        asyncio.get_running_loop().call_later(self._between_looks, self._look)

    def _look(self) -> None:
        self._looking = False
        self._looks += 1
        while self._waiting and self._silent_looks(self._waiting[0][0]) > _LOOKS:
            _, called = self._waiting.popleft()
            if not called.done():
                called.set_exception(TimeoutError())
        if self._waiting:
            self._look_later()


@final
class FewerPlaces:
    """So many places of another line's: who waits for one of these leaves the rest to those who wait in the other alone."""

    def __init__(self, line: WaitingLine, places: int) -> None:
        self._line = line
        self._own = WaitingLine(places)

    def answered(self) -> None:
        """Storage has answered somebody who waited here."""
        self._own.answered()
        self._line.answered()

    async def __aenter__(self) -> Wait:
        """Raises `TimeoutError` where the wait is hopeless."""
        first = await self._own.__aenter__()
        try:
            then = await self._line.__aenter__()
        except BaseException:
            await self._own.__aexit__()
            raise
        return Wait(first.waited + then.waited, first.silence + then.silence)

    async def __aexit__(self, *_: object) -> None:
        await self._line.__aexit__()
        await self._own.__aexit__()
