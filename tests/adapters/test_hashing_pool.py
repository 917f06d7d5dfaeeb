import asyncio
import os
import sys
import threading
from datetime import timedelta

import pytest

from adapters.security.hashing_pool import HashingPool
from application.ports.passwords import Overloaded

AT_ONCE = timedelta(milliseconds=10)


class Work:
    """Work that goes on until it is let go, and knows how much of it went on at once."""

    def __init__(self) -> None:
        self.started, self.let_go = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._running = 0
        self.most = 0

    def __call__(self) -> str:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        self.started.set()
        assert self.let_go.wait(10)
        with self._lock:
            self._running -= 1
        return "done"


async def _started(work: Work) -> None:
    assert await asyncio.to_thread(work.started.wait, 10)


async def test_pw11_no_more_run_at_once_than_there_are_threads() -> None:
    pool, work = HashingPool(threads=2, patience=timedelta(seconds=10)), Work()

    running = asyncio.gather(*(pool.run(work) for _ in range(10)))
    await _started(work)
    work.let_go.set()

    assert await running == ["done"] * 10
    assert work.most <= 2


async def test_pw11_a_full_queue_refuses_at_once() -> None:
    pool, work = HashingPool(threads=1, queue=1, patience=timedelta(seconds=10)), Work()
    running = [asyncio.ensure_future(pool.run(work)) for _ in range(2)]
    await _started(work)

    with pytest.raises(Overloaded):
        await pool.run(work)

    work.let_go.set()
    assert await asyncio.gather(*running) == ["done", "done"]


async def test_pw11_waiting_has_an_end() -> None:
    pool, work = HashingPool(threads=1, patience=AT_ONCE), Work()
    running = asyncio.ensure_future(pool.run(work))
    await _started(work)

    with pytest.raises(Overloaded):
        await pool.run(work)

    work.let_go.set()
    assert await running == "done"


async def test_a_waiter_that_goes_away_leaves_its_place() -> None:
    pool, work = HashingPool(threads=1, queue=1, patience=timedelta(seconds=10)), Work()
    running = asyncio.ensure_future(pool.run(work))
    await _started(work)
    gone = asyncio.ensure_future(pool.run(work))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})

    waiting = asyncio.ensure_future(pool.run(work))
    await asyncio.sleep(0)
    work.let_go.set()

    assert [await running, await waiting] == ["done", "done"]


async def test_a_request_that_goes_away_keeps_its_thread_until_the_hash_is_done() -> None:
    pool, work = HashingPool(threads=1, patience=AT_ONCE), Work()
    gone = asyncio.ensure_future(pool.run(work))
    await _started(work)
    gone.cancel()
    await asyncio.wait({gone})

    with pytest.raises(Overloaded):
        await pool.run(work)

    work.let_go.set()
    patient = HashingPool(threads=1)
    assert await patient.run(work) == "done"


async def test_an_error_of_the_work_is_the_callers_and_frees_the_thread() -> None:
    pool = HashingPool(threads=1)

    def broken() -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            await pool.run(broken)


def test_pw11_there_is_a_thread_for_each_core() -> None:
    assert HashingPool().threads == (os.cpu_count() or 1)


async def test_pw12_hashing_is_off_the_event_loop_and_yields_to_it() -> None:
    where, priority = await HashingPool().run(
        lambda: (threading.get_ident(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    )

    assert where != threading.get_ident()
    assert priority >= os.getpriority(os.PRIO_PROCESS, 0) + (10 if sys.platform == "linux" else 0)
