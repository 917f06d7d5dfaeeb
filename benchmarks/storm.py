"""What others notice while many log in, and what a flood of log-ins takes in memory."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from benchmarks.measured import Measured, generated, generating, of_load
from benchmarks.plan import Plan, drawn
from benchmarks.portunus import CONNECTIONS, Asked, log_ins
from benchmarks.process_tree import forget_peaks, peak_bytes, resident_bytes
from benchmarks.raw import argon2_verify
from benchmarks.setting import FLOOR, ServedPortunus

_CALLS_PER_SECOND = 50  # a few hundredths of what the machine does: what they wait for is the storm, which they leave as it is
_SECONDS_FOR_A_PERCENTILE = 8.0
_SECONDS_TO_GATHER = 1.0
_SECONDS_OF_HASHES = 2.0
_CLIENTS_OF_A_FLOOD = 200
_SECONDS_OF_A_FLOOD = 3.0
_MIB = 2**20


@final
@dataclass(frozen=True, slots=True)
class Storm:
    asked: Asked

    async def idle(self, seconds: float) -> Measured:
        """Callers who come 16 at once, some times a second. Nobody else asks."""
        served = await self.asked.served()
        return self.asked.measured(served, _callers(served), max(seconds, _SECONDS_FOR_A_PERCENTILE))

    async def under(self, seconds: float) -> Sequence[Measured]:
        """The same callers while 16 clients log in, each anew as soon as it is answered; these log-ins; then hashes alone."""
        served = await self.asked.served()
        seconds = max(seconds, _SECONDS_FOR_A_PERCENTILE)
        with generating(log_ins(served, CONNECTIONS), seconds + 2 * _SECONDS_TO_GATHER) as storm:
            await asyncio.sleep(_SECONDS_TO_GATHER)
            # Its CPU is that of both, of which neither is a figure.
            callers = of_load(generated(_callers(served), seconds), None, None, may_fail=False)
            log_ins_meanwhile = of_load(storm.result(), None, None, may_fail=True)
        return [callers, log_ins_meanwhile, argon2_verify(FLOOR, _SECONDS_OF_HASHES)]

    async def flood(self, seconds: float) -> Measured:
        """Of a process that has not hashed before: the most that it held, beyond what it held when it was ready."""
        served = await self.asked.served()
        async with self.asked.setting.fresh(served.storage.url) as fresh:
            plan = drawn(fresh.port, log_ins(served, 1).pool, connections=_CLIENTS_OF_A_FLOOD)
            idle = resident_bytes(fresh.pid)
            forget_peaks(fresh.pid)
            load = of_load(generated(plan, max(seconds, _SECONDS_OF_A_FLOOD)), None, None, may_fail=True)
            held = peak_bytes(fresh.pid) - idle
        return Measured(per_second=load.per_second, p50=load.p50, p99=load.p99, failed=load.failed, memory=held / _MIB)


def allowed_in_a_flood() -> Measured:
    """A hash for each thread and one more, and 32 MiB."""
    hashes = ((os.cpu_count() or 1) + 1) * FLOOR.memory / 1024
    return Measured(memory=hashes + 32, note="what a flood may take")


def _callers(served: ServedPortunus) -> Plan:
    calls = drawn(served.port, served.storage.known, connections=CONNECTIONS, per_second=_CALLS_PER_SECOND)
    return replace(calls, at_once=True)
