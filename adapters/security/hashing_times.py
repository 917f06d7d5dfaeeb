"""How fast this machine hashes, and what that leaves of its memory to others."""

import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import final

from adapters.security.argon2 import argon2id
from adapters.security.hashing_pool import cores
from application.ports.passwords import HashingBeside
from domain.hashing_cost import HashingCost

_MEASURED = "what is hashed to see how long it takes"
_TRIES = 2  # the shortest counts: what else the machine does only makes it longer
_COPIED = 64 * 1024 * 1024  # bytes: more than the cache that a core has to itself
_SECONDS = 0.4
_FEWEST = 3


@final
class Argon2Times:
    def __init__(self) -> None:
        self.cores = cores()

    def measure(self, cost: HashingCost) -> timedelta:
        argon2 = argon2id(cost)
        took = []
        for _ in range(_TRIES):
            began = time.perf_counter()
            argon2.hash(_MEASURED)
            took.append(time.perf_counter() - began)
        return timedelta(seconds=min(took))

    def measure_on_every_core(self, cost: HashingCost) -> HashingBeside:
        argon2 = argon2id(cost)
        copier, hashed = _Copier(), threading.Event()
        with ThreadPoolExecutor(self.cores + 1) as threads:
            copying = threads.submit(_until, hashed, copier)
            try:
                hashing = [threads.submit(_for_a_while, lambda: argon2.hash(_MEASURED)) for _ in range(self.cores)]
                took = [each for one in hashing for each in one.result()]
            finally:
                hashed.set()
        return HashingBeside(took=timedelta(seconds=median(took)), copied=_COPIED / median(copying.result()))

    def copy(self) -> float:
        return _COPIED / median(_for_a_while(_Copier()))


@final
class _Copier:
    """Copies without the interpreter's lock, as argon2 hashes."""

    def __init__(self) -> None:
        # Written to: pages that never were are all the same one, and in the cache.
        self._from, self._to = bytearray(b"\x01") * _COPIED, bytearray(b"\x02") * _COPIED
        self._source, self._target = (_address(buffer) for buffer in (self._from, self._to))

    def __call__(self) -> None:
        ctypes.memmove(self._target, self._source, _COPIED)


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _for_a_while(act: Callable[[], object]) -> list[float]:
    ends, took = time.monotonic() + _SECONDS, [_timed(act)]
    while len(took) < _FEWEST or time.monotonic() < ends:
        took.append(_timed(act))
    return took


def _until(over: threading.Event, act: Callable[[], object]) -> list[float]:
    took = [_timed(act)]
    while not over.is_set():
        took.append(_timed(act))
    return took


def _timed(act: Callable[[], object]) -> float:
    """Seconds of this thread on a processor: while it waits for one nothing is counted."""
    began = time.thread_time()
    act()
    return time.thread_time() - began
