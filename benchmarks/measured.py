"""One operation under load, and what it cost."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from benchmarks.load import Load
from benchmarks.plan import Plan
from benchmarks.process_tree import cpu_seconds

_FIGURES = ("per_second", "cpu", "database_cpu", "load_cpu", "p50", "p99", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Requests per second; microseconds of CPU for each, of the server's processes, of the database's, of the generator's;
    latencies in milliseconds; memory in MiB. `None` where there is no such thing, or nothing was measured: `note` says why."""

    per_second: float | None = None
    cpu: float | None = None
    database_cpu: float | None = None
    load_cpu: float | None = None
    p50: float | None = None
    p99: float | None = None
    memory: float | None = None
    failed: int = 0
    note: str = ""


class Unexpected(Exception):
    """Answers that the benchmark did not ask for: what it would measure is a refusal."""


def under_load(
    plan: Plan,
    *,
    seconds: float,
    server: int,
    database: int | None = None,
    may_fail: bool = False,
    unsent: Callable[[Sequence[bytes]], None] = lambda _: None,
) -> Measured:
    """Send `plan` for so long, from a process of its own. `server` and `database` are the roots of their process trees.

    `unsent` is given what was not sent, where each request is good once.
    """
    before = cpu_seconds(server), cpu_seconds(database) if database else 0
    load = generated(plan, seconds)
    after = cpu_seconds(server), cpu_seconds(database) if database else 0
    if plan.once:
        unsent(plan.unsent(load.sent))
    return of_load(load, after[0] - before[0], after[1] - before[1] if database else None, may_fail=may_fail)


def of_load(load: Load, cpu: float | None, database_cpu: float | None, *, may_fail: bool) -> Measured:
    failed = load.all - load.good + load.lost
    if not load.good or (failed and not may_fail):
        raise Unexpected(f"answers by status: {load.statuses}; connections lost: {load.lost}")
    count = load.good  # what refusals cost is borne by the rest
    ordered = sorted(load.latencies)
    return Measured(
        per_second=load.good / load.seconds,
        cpu=None if cpu is None else cpu / count * 1e6,
        database_cpu=None if database_cpu is None else database_cpu / count * 1e6,
        load_cpu=load.cpu / count * 1e6,
        p50=percentile(ordered, 50) / 1000,
        p99=percentile(ordered, 99) / 1000,
        failed=failed,
    )


def generated(plan: Plan, seconds: float) -> Load:
    with generating(plan, seconds) as running:
        return running.result()


class generating:  # noqa: N801 - a context manager, read as a verb
    """A generator that runs meanwhile; `result` waits for it."""

    def __init__(self, plan: Plan, seconds: float) -> None:
        self._plan = plan
        self._seconds = seconds

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="portunus-load-")
        written, self._result = Path(self._folder.name) / "plan", Path(self._folder.name) / "result"
        self._plan.write(written)
        command = [sys.executable, "-m", "benchmarks.load", str(written), str(self._seconds), str(self._result)]
        self._process = subprocess.Popen(command)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def result(self) -> Load:
        if self._process.wait(self._seconds + 60):
            raise Unexpected("the load generator failed")
        return Load(**json.loads(self._result.read_text()))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest rank: a value that was measured."""
    rank = max(-(-len(ordered) * percent // 100), 1)
    return ordered[int(rank) - 1]


def median(rounds: Sequence[Measured]) -> Measured:
    """Of each figure on its own, over the rounds."""

    def middle(name: str) -> float | None:
        values = [value for value in (getattr(one, name) for one in rounds) if value is not None]
        return statistics.median(values) if values else None

    return Measured(
        **{name: middle(name) for name in _FIGURES},
        failed=sum(one.failed for one in rounds),
        note=next((one.note for one in rounds if one.note), ""),
    )
