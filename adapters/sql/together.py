"""One statement for all who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar, final

Key = TypeVar("Key")
Found = TypeVar("Found")

MOST = 16
_LONGEST_WAIT = 0.005  # seconds: the one under way may hang, or the database be far away

_SIZES = tuple(1 << power for power in range(MOST.bit_length()))


def room_for(number: int) -> int:
    """The least of 1, 2, 4, 8 and 16 that so many fit into: a statement of each size is one plan that PostgreSQL keeps."""
    return next(size for size in _SIZES if size >= number)


@final
class Together(Generic[Key, Found]):
    """Asks at once if nothing is under way; else when that is answered, or after 5 milliseconds, for all who have come by then.

    Whatever is answered was asked after each of them came: nobody is told of what was before. Who goes away holds up nobody
    else, and what goes wrong with a statement is told to all whom it was for.
    """

    def __init__(self, find: Callable[[Sequence[Key]], Awaitable[Found]]) -> None:
        self._find = find
        self._under_way = 0
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, key: Key) -> Found:
        """What was found for up to 16 keys, this one among them."""
        if not self._under_way:
            self._under_way += 1
            try:
                return await self._find((key,))
            finally:
                self._answered()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((key, answer))
        if len(self._waiting) >= MOST:
            self._send()
        elif self._patience is None:
            self._patience = loop.call_later(_LONGEST_WAIT, self._send)
        return await answer

    def _send(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None
        asking = [(key, answer) for key, answer in self._waiting if not answer.done()]
        self._waiting.clear()
        if asking:
            self._under_way += 1
            # In a context of its own: what would be logged is of none of the requests more than of another.
            task = asyncio.get_running_loop().create_task(self._find_for(asking), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _find_for(self, asking: Sequence[tuple[Key, asyncio.Future[Found]]]) -> None:
        try:
            found = await self._find(list(dict.fromkeys(key for key, _ in asking)))
        except Exception as error:
            for _, answer in asking:
                if not answer.done():
                    answer.set_exception(error)
        except BaseException:
            for _, answer in asking:
                answer.cancel()
            raise
        else:
            for _, answer in asking:
                if not answer.done():
                    answer.set_result(found)
        finally:
            self._answered()

    def _answered(self) -> None:
        self._under_way -= 1
        if self._waiting:
            self._send()
