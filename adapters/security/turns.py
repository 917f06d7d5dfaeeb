"""Who is next, where there are fewer slots than want one."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from application.ports.passwords import Overloaded
from domain.turn import Line, Turn

# Of ten turns eight are of known devices, one of log-ins and one of sign-ups, where all are waiting; else whoever waits.
_ROUND = (*[Line.DEVICES] * 4, Line.LOG_INS, *[Line.DEVICES] * 4, Line.SIGN_UPS)
_ELSE = (Line.DEVICES, Line.LOG_INS, Line.SIGN_UPS)

Waiter = asyncio.Future[None]


@final
class Turns:
    """Gives `slots`, and lets `most` wait in each line. There an address is one, however many of its requests wait.

    In a line that is full whoever has most waiting gives up a place to whoever has fewer; where nobody has more than one, who
    comes last is refused. Of one account one device at a time.
    """

    def __init__(self, slots: int, *, most: int) -> None:
        self._free = slots
        self._most = most
        self._room = most + slots
        self._expected: Counter[Line] = Counter()
        self._lines: dict[Line, OrderedDict[str, deque[tuple[Waiter, str]]]] = {line: OrderedDict() for line in Line}
        self._accounts: set[str] = set()
        self._taken = 0

    async def take(self, turn: Turn) -> None:
        """Wait for a slot. Raises `Overloaded`, at once where the line is full. Each that is taken is to be given back."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._line_up(turn, waiter)
        self._serve()
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.give_back(turn)  # given at the moment at which its waiter went away
            else:
                self._leave(turn, waiter)
            raise

    @contextmanager
    def room(self, turn: Turn) -> Iterator[None]:
        """For as long as one is under way who will want a turn: no more of them than the line and the slots have room for.

        Raises `Overloaded` where `take` would, also if all who are expected came before.
        """
        line = self._lines[turn.line]
        is_full = self._expected[turn.line] >= self._room or sum(map(len, line.values())) >= self._most + self._free
        if is_full and len(line.get(turn.whose, ())) + 1 >= max(map(len, line.values()), default=0):
            raise Overloaded
        self._expected[turn.line] += 1
        try:
            yield
        finally:
            self._expected[turn.line] -= 1

    def give_back(self, turn: Turn) -> None:
        self._free += 1
        self._accounts.discard(turn.account)
        self._serve()

    def _line_up(self, turn: Turn, waiter: Waiter) -> None:
        line = self._lines[turn.line]
        line.setdefault(turn.whose, deque()).append((waiter, turn.account))
        if sum(map(len, line.values())) <= self._most + self._free:
            return
        longest = max(line, key=lambda whose: (len(line[whose]), whose == turn.whose))
        last, _ = line[longest].pop()
        if not line[longest]:
            del line[longest]
        if not last.done():  # else it has just waited in vain, and makes room by going away
            last.set_exception(Overloaded())

    def _leave(self, turn: Turn, waiter: Waiter) -> None:
        waiting = self._lines[turn.line].get(turn.whose, deque())
        if (waiter, turn.account) in waiting:
            waiting.remove((waiter, turn.account))
        if not waiting:
            self._lines[turn.line].pop(turn.whose, None)

    def _serve(self) -> None:
        while self._free and (waiter := self._next()):
            self._free -= 1
            self._taken += 1
            waiter.set_result(None)

    def _next(self) -> Waiter | None:
        for line in (_ROUND[self._taken % len(_ROUND)], *_ELSE):
            for whose in list(self._lines[line]):
                waiter = self._first(self._lines[line], whose)
                if waiter is not None:
                    return waiter
        return None

    def _first(self, line: OrderedDict[str, deque[tuple[Waiter, str]]], whose: str) -> Waiter | None:
        """Of those of one who wait; one that has gone away waits no more. If there is one, the rest of them go to the end."""
        waiting = deque(each for each in line[whose] if not each[0].done())
        first = next((each for each in waiting if each[1] not in self._accounts), None)
        if first is not None:
            waiting.remove(first)
            line.move_to_end(whose)
            if first[1]:
                self._accounts.add(first[1])
        line[whose] = waiting
        if not waiting:
            del line[whose]
        return first[0] if first else None
