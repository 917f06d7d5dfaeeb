"""How many requests begin at a time."""

import asyncio
from collections import deque
from typing import final

from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.capacity import ALWAYS_ANSWERED

_MOST_IN_A_TURN = 8
_OF_THESE_FOR_PASSWORDS = 2
_WAIT_FOR_A_HASH_ANYWAY = frozenset({"/token", "/signup", "/users/me/password"})


@final
class Pace:
    """Begins a few requests in each turn of the loop, which between turns reads what has arrived.

    Else hundreds that come at once make turns so long that whoever needs several, to hear from storage, waits for seconds.
    First come, first served; but who comes with a password does not go before who comes without, except for a few in each turn.
    Whether the process lives is told out of turn.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._begun = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._with_passwords: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != ALWAYS_ANSWERED:
            loop = asyncio.get_running_loop()
            if loop is not self._loop:
                self._loop, self._begun = loop, 0
                self._waiting.clear()  # none of an earlier loop can go on
                self._with_passwords.clear()
            if self._begun < _MOST_IN_A_TURN:
                self._begun += 1
                if self._begun == 1:
                    loop.call_soon(self._turn, loop)
            else:
                called = loop.create_future()
                (self._with_passwords if scope["path"] in _WAIT_FOR_A_HASH_ANYWAY else self._waiting).append(called)
                await called
        await self._app(scope, receive, send)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun = 0
        self._begin(self._with_passwords, _OF_THESE_FOR_PASSWORDS)
        self._begin(self._waiting, _MOST_IN_A_TURN)
        self._begin(self._with_passwords, _MOST_IN_A_TURN)
        if self._begun:
            loop.call_soon(self._turn, loop)

    def _begin(self, waiting: deque[asyncio.Future[None]], most: int) -> None:
        while waiting and self._begun < most:
            called = waiting.popleft()
            if not called.done():
                called.set_result(None)
                self._begun += 1
