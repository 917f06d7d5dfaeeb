"""The load generator: a process of its own that keeps connections open and sends what it was given, as it stands.

`python -m benchmarks.load PLAN SECONDS RESULT`. Each connection comes from an address in a network of its own (127.0.N.1), as
different clients do: what is counted by address counts each of them.
"""

import asyncio
import json
import resource
import socket
import sys
import time
from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

import uvloop

from benchmarks.plan import Plan

_GRACE = 30  # seconds for what is under way at the end: some peers take long for a log-in
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came back. Latencies are microseconds, of the answers that were wanted; `cpu` is the generator's own, in seconds.

    `sent` is how many requests each connection sent, where each is good once.
    """

    seconds: float
    statuses: dict[str, int]
    lost: int
    cpu: float
    latencies: list[int] = field(repr=False)
    sent: list[int] = field(default_factory=list, repr=False)

    @property
    def good(self) -> int:
        return len(self.latencies)

    @property
    def all(self) -> int:
        return sum(self.statuses.values())


@dataclass(slots=True, kw_only=True)
class _Run:
    plan: Plan
    until: float
    pause: float | None  # of each connection, between two requests
    statuses: Counter[str] = field(default_factory=Counter)
    latencies: "array[int]" = field(default_factory=lambda: array("I"))
    lost: int = 0
    last: float = 0


@final
class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run, order: "array[int]", begins: float) -> None:
        self._run = run
        self._order = order
        self.sent = 0  # of the order as it stands
        self._due = begins
        self._asked = 0.0
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        if self._run.pause is None:
            self._send()
        else:
            self._loop.call_at(self._loop.time() + max(self._due - time.perf_counter(), 0), self._send_due)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if not self.done.done():
            self._run.lost += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        answer = self._buffer + data if self._buffer else data
        if not _is_whole(answer):
            self._buffer = answer
            return
        self._buffer = b""
        run, now = self._run, time.perf_counter()
        status = answer[9:12].decode()
        run.statuses[status] += 1
        if status.startswith(run.plan.good):
            run.latencies.append(max(int((now - self._asked) * 1e6), 0))  # timers may be early
        run.last = now
        if run.pause is None:
            self._send()
            return
        self._due += run.pause
        if self._due <= now:
            self._send_due()
        else:
            self._loop.call_at(self._loop.time() + self._due - now, self._send_due)

    def _send_due(self) -> None:
        self._send()
        self._asked = self._due

    def _send(self) -> None:
        now = time.perf_counter()
        at, run = self.sent, self._run
        if at == len(self._order):
            at = 0
            if run.plan.once:
                self._finish()
                return
        if now >= run.until or self._transport.is_closing():
            self._finish()
            return
        self.sent, self._asked = at + 1, now
        self._transport.write(run.plan.pool[self._order[at]])

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
            self._transport.close()


def _is_whole(answer: bytes) -> bool:
    end = answer.find(_HEAD_END)
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(_LENGTH)
    if at >= 0:
        digits = head[at + len(_LENGTH) :].partition(b"\r\n")[0]
        return len(answer) >= end + len(_HEAD_END) + int(digits)
    return b"transfer-encoding: chunked" not in head or answer.endswith(b"0\r\n\r\n")


async def _run(plan: Plan, seconds: float) -> Load:
    connections = len(plan.orders)
    pause = connections / plan.per_second if plan.per_second else None
    began, cpu = time.perf_counter(), _cpu()
    run = _Run(plan=plan, until=began + seconds, pause=pause, last=began)
    loop, made = asyncio.get_running_loop(), []
    for number, order in enumerate(plan.orders):
        begins = began if plan.at_once else began + number * (pause or 0) / connections
        connection = _Connection(run, array("I", order), begins)
        local = (f"127.0.{number % 250 + 1}.1", 0)
        await loop.create_connection(lambda made=connection: made, "127.0.0.1", plan.port, local_addr=local)  # type: ignore[misc]  # mypy cannot infer it
        made.append(connection)
    await asyncio.wait([connection.done for connection in made], timeout=seconds + _GRACE)
    run.lost += sum(not connection.done.done() for connection in made)
    return Load(
        seconds=run.last - began,
        statuses=dict(run.statuses),
        lost=run.lost,
        cpu=_cpu() - cpu,
        latencies=list(run.latencies),
        sent=[connection.sent for connection in made] if plan.once else [],
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(plan: str, seconds: str, result: str) -> None:
    socket.setdefaulttimeout(10)
    load = uvloop.run(_run(Plan.read(Path(plan)), float(seconds)))
    Path(result).write_text(json.dumps(asdict(load)))


if __name__ == "__main__":
    main(*sys.argv[1:])
