"""Threads for hashing, so that it neither stalls other requests nor takes more memory than is set aside for it."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TypeVar, final

from adapters.security.turns import Turns
from application.ports.passwords import OPERATORS, Overloaded
from domain.turn import Turn

T = TypeVar("T")

_AHEAD = 1  # handed to the threads, for the next that is done: the loop may be late to hear of it


def cores() -> int:
    return os.cpu_count() or 1


@final
class HashingPool:
    """One hash per thread at a time, `queue` more waiting in each line, for `patience` at most; `Overloaded` beyond that."""

    def __init__(self, *, threads: int | None = None, queue: int = 64, patience: timedelta = timedelta(seconds=1.5)) -> None:
        self.threads = threads or cores()
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="hashing", initializer=_yield_to_requests)
        self._turns = Turns(self.threads + _AHEAD, most=queue - _AHEAD)
        self._patience = patience.total_seconds()

    def room(self, turn: Turn) -> AbstractContextManager[None]:
        return self._turns.room(turn)

    async def run(self, work: Callable[[], T], turn: Turn = OPERATORS) -> T:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        try:
            async with asyncio.timeout_at(deadline):
                await self._turns.take(turn)
        except TimeoutError:
            raise Overloaded from None
        running, answer = self._executor.submit(work), loop.create_future()

        def tell(done: Future[T]) -> None:
            self._turns.give_back(turn)
            if answer.done():
                return  # the request has gone away
            if done.cancelled():
                answer.set_exception(Overloaded())
            elif error := done.exception():
                answer.set_exception(error)
            else:
                answer.set_result(done.result())

        # When the thread is done and not before: a request that has gone away is still being hashed for.
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(tell, done))
        given_up = loop.call_at(deadline, running.cancel)  # which does nothing once a thread is at it
        try:
            hashed: T = await answer
            return hashed
        finally:
            given_up.cancel()
            running.cancel()


def _yield_to_requests() -> None:
    if sys.platform == "linux":  # elsewhere the priority is that of the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
