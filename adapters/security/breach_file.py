"""Passwords that leaked, in a file: sorted, and searched where it lies."""

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import final

from adapters.security.breaches import NoAnswer

_LINE = re.compile(rb"([0-9A-Fa-f]{16,40})(:[0-9]{1,12})?\r?\n?")
_LONGEST_LINE = 64
_SAMPLES = 64


class UnusableBreachFile(ValueError):
    """Why the file cannot be searched."""


@final
class BreachFile:
    """Lines `HEX` or `HEX:COUNT`, sorted: SHA-1 digests, or their first 16 digits or more, as many in every line.

    It is opened anew for each question, so that a newer one can be moved into its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="breaches")
        self._require_searchable()

    async def holds(self, digest: str) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._search, digest.encode())

    def _search(self, wanted: bytes) -> bool:
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            low, high = 0, os.fstat(file).st_size
            while low < high:
                begin, end, found = _line_around(file, (low + high) // 2)
                if wanted.startswith(found):
                    return True
                low, high = (low, begin) if wanted < found else (end, high)
            return False
        finally:
            os.close(file)

    def _require_searchable(self) -> None:
        """A sample of it: that it is sorted by prevalence, say, shows at once."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UnusableBreachFile(f"It cannot be opened: {error.strerror}.") from None
        try:
            size = os.fstat(file).st_size
            sample = [_line_around(file, size * number // _SAMPLES)[2] for number in range(_SAMPLES)] if size else []
        except (NoAnswer, OSError):
            raise UnusableBreachFile("Its lines are not SHA-1 digests: HEX, or HEX:COUNT.") from None
        finally:
            os.close(file)
        if not sample or len({len(line) for line in sample}) > 1:
            raise UnusableBreachFile("Its lines are to hold equally many hexadecimal digits, 16 to 40 of each SHA-1.")
        if any(later < earlier for earlier, later in pairwise(sample)):
            raise UnusableBreachFile("It is not sorted by digest.")


def _line_around(file: int, place: int) -> tuple[int, int, bytes]:
    """Where the line that has this byte begins and ends, and its digest."""
    start = max(place - _LONGEST_LINE, 0)
    window = os.pread(file, 2 * _LONGEST_LINE, start)
    begin = window.rfind(b"\n", 0, place - start) + 1
    end = window.find(b"\n", place - start) + 1 or len(window)
    line = _LINE.fullmatch(window, begin, end)
    if line is None:
        raise NoAnswer
    return start + begin, start + end, line[1].upper()
