"""More log-ins than there is time to hash for."""

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

import httpx2

from tests.examples import PASSWORD
from tests.faults.clients import Crowd, Habits, crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import Process, addresses, running
from tests.faults.flood import Flood
from tests.faults.history import Operation
from tests.faults.table import Table

_MIB = 1024  # KiB
_MEMORY_OF_A_HASH = 19 * _MIB
_THREADS = 2
_OF_PRODUCTION = {
    "PORTUNUS_ARGON2_MEMORY": str(_MEMORY_OF_A_HASH),
    "PORTUNUS_ARGON2_TIME": "2",
    "PORTUNUS_THROTTLE": "on",
    "PORTUNUS_TRUSTED_PROXIES": "127.0.0.1/32",
    "PORTUNUS_LIMIT_SIGN_UP": "1000/1h/address",  # people are all at one here
}
_GO_ON = Habits(log_outs=0, asking=50, pause=0.1)


class Watch:
    """What people see of the process meanwhile, and what memory it takes."""

    def __init__(self, process: Process, http: httpx2.AsyncClient) -> None:
        self.peak = resident(process.pid)
        self._process = process
        self._http = http

    async def ask(self, path: str, headers: dict[str, str], seconds: float) -> list[float]:
        took, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await self._http.get(self._process.address + path, headers=headers)
            took.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text
            self.peak = max(self.peak, resident(self._process.pid))
            await asyncio.sleep(0.05)
        return took

    async def log_in(self, device: str, seconds: float) -> list[int]:
        statuses, until = [], time.monotonic() + seconds
        while time.monotonic() < until:
            statuses.append((await log_in(self._http, self._process, device)).status_code)
            await asyncio.sleep(0.3)
        return statuses


async def flood(process: Process, *, clients: int, seconds: float) -> Flood:
    command = (sys.executable, "-m", "tests.faults.flood", process.address, str(clients), str(seconds))
    flooding = await create_subprocess_exec(*command, stdout=PIPE, cwd=Path(__file__).parents[2])
    said, _ = await flooding.communicate()
    assert flooding.returncode == 0
    return Flood.read(said.decode())


def resident(pid: int) -> int:
    """KiB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), flags=re.MULTILINE)
    assert found is not None
    return int(found[1])


def p99(took: list[float]) -> float:
    return quantiles(took, n=100, method="inclusive")[98]


async def log_in(http: httpx2.AsyncClient, process: Process, device: str) -> httpx2.Response:
    form = {"username": "johndoe", "password": PASSWORD}
    return await http.post(f"{process.address}/token", data=form, headers={"Device-Token": device})


def took(clients: Crowd, operation: Operation, *, until: float) -> list[float]:
    return [act.received - act.sent for act in clients.history if act.operation is operation and act.sent < until]


async def test_f09_a_flood_of_log_ins_takes_bounded_memory_and_others_are_served(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    seconds = scale.of(60, 4)
    async with (
        running(postgresql.url, tmp_path, processes=1, env=_OF_PRODUCTION) as processes,
        crowd(addresses(processes), scale.of(20, 4)) as clients,
        httpx2.AsyncClient(timeout=30) as http,
    ):
        [process] = processes
        body = {"username": "johndoe", "email": "johndoe@example.com", "password": PASSWORD}
        assert (await http.post(f"{process.address}/signup", json=body)).status_code == 201
        answer = await log_in(http, process, "")
        device, bearer = answer.headers["Device-Token"], {"Authorization": f"Bearer {answer.json()['access_token']}"}
        watch = Watch(process, http)
        base, idle = watch.peak, await watch.ask("/users/me", bearer, 2)
        clients.history.clear()
        async with clients.at_work(_GO_ON):
            flooded, live, owner = await asyncio.gather(
                flood(process, clients=scale.of(500, 60), seconds=seconds),
                watch.ask("/health/live", {}, seconds),
                watch.log_in(device, seconds),
            )
            over = time.monotonic()
        afterwards = (await watch.ask("/users/me", bearer, 5))[-20:]

    row = table.judge(
        "F-09",
        "Five hundred clients that guess from as many addresses, for a minute; twenty people go on meanwhile",
        clients.history,
        endings=await endings(postgresql),
        faults=flooded.statuses.total(),
    )
    me, refreshes = (took(clients, operation, until=over) for operation in (Operation.ME, Operation.REFRESH))
    told = (
        f"p99 of me {p99(me):.3f} s, of refreshes {p99(refreshes):.3f} s, of live {p99(live):.3f} s;"
        f" me idle {median(idle):.4f} s, afterwards {median(afterwards):.4f} s; +{(watch.peak - base) // _MIB} MiB;"
        f" {dict(flooded.statuses)}, slowest {flooded.slowest:.1f} s"
    )
    scale.say(f" {told}\n")
    assert row.broken == []
    assert set(flooded.statuses) <= {401, 429, 503}
    assert flooded.without_retry_after == 0
    assert flooded.slowest <= scale.seconds(3), told
    assert set(owner) == {200}, Counter(owner)
    assert watch.peak <= base + _THREADS * _MEMORY_OF_A_HASH + 64 * _MIB, told
    assert p99(me) <= scale.seconds(0.25), told
    assert p99(refreshes) <= scale.seconds(0.5), told
    assert p99(live) <= scale.seconds(0.1), told
    assert median(afterwards) <= scale.seconds(1.5 * median(idle)), told
