"""The database goes away, comes back, hangs, or has no room."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import httpx2
import pytest

from tests.examples import PASSWORD
from tests.faults.clients import Crowd, Habits, crowd
from tests.faults.cluster import Cluster, StopMode, frozen
from tests.faults.conftest import FULL, Scale, Service, endings
from tests.faults.fleet import Process, addresses, running
from tests.faults.relay import Relay
from tests.faults.table import Table

POOL = 10
ONE_BACKEND = (
    "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) AS chosen"
)
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_f03_a_restart_of_the_database_is_a_503_at_most_and_over_soon(
    service: Service, scale: Scale, table: Table, mode: StopMode
) -> None:
    recoveries = []
    postgresql, processes = service.postgresql, service.processes
    pause = await _pause_at_half_load(processes) if FULL else 0.2
    scale.say(f" each client pauses {pause:.2f} s")
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=pause)),
    ):
        for _ in scale.times(20, 1):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(postgresql.restart, mode)
            recoveries.append(await clients.until_served(since=time.monotonic(), within=scale.seconds(5)))

    row = table.judge(
        f"F-03 {mode}",
        f"PostgreSQL restarted (`-m {mode}`) under half of the load that two processes can bear",
        clients.history,
        endings=await endings(postgresql),
        faults=len(recoveries),
        recoveries=recoveries,
    )
    assert row.broken == []
    assert [act for act in clients.history if act.status is None] == []
    assert max(recoveries) <= scale.seconds(5)


async def test_f03_rl08_a_process_starts_without_its_database_and_serves_when_it_is_there(
    postgresql: Cluster, tmp_path: Path, scale: Scale
) -> None:
    postgresql.stop()
    async with running(postgresql.url, tmp_path, processes=1, until="/health/live") as processes:
        statuses = await _statuses(processes[0])
        await asyncio.to_thread(postgresql.start)
        began = time.monotonic()
        ready = 503
        while ready != 200 and time.monotonic() - began < scale.seconds(2):
            ready = (await _statuses(processes[0]))["/health/ready"]

    assert ready == 200
    assert statuses == {"/health/live": 200, "/health/ready": 503, "/signup": 503, "/token": 503}


async def test_f04_rl01_while_the_database_is_away_every_answer_comes_soon_and_says_so(
    service: Service, scale: Scale, table: Table
) -> None:
    postgresql, processes = service.postgresql, service.processes
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.5)),
    ):
        await asyncio.sleep(1)
        before = [_megabytes(process.pid) for process in processes]
        await asyncio.to_thread(postgresql.stop)
        away = time.monotonic()
        health = []
        for _ in scale.times(60, 2):
            health += [await _statuses(process) for process in processes]
            await asyncio.sleep(1)
        await asyncio.to_thread(postgresql.start)
        recovery = await clients.until_served(since=time.monotonic(), within=scale.seconds(5))
        after = [_megabytes(process.pid) for process in processes]

    row = table.judge(
        "F-04",
        "PostgreSQL away for a minute",
        clients.history,
        endings=await endings(postgresql),
        faults=1,
        recoveries=[recovery],
    )
    assert row.broken == []
    assert {tuple(found.values()) for found in health} == {(200, 503, 503, 503)}
    assert _slowest(clients, since=away) <= scale.seconds(3)
    assert recovery <= scale.seconds(5)
    assert max(late - early for early, late in zip(before, after, strict=True)) <= 50


async def test_f06_rl05_while_the_database_hangs_every_answer_comes_within_six_seconds(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    async with (
        Relay(postgresql.port).listening() as relay,
        running(_through(relay, postgresql), tmp_path) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.5)),
    ):
        await asyncio.sleep(1)
        hung = time.monotonic()
        relay.blackhole = True
        await _pass(scale, scale.of(30, 4))
        relay.blackhole = False
        thawed = time.monotonic()
        recovery = await clients.until_served(since=thawed, within=scale.seconds(5))
        await asyncio.sleep(1)
        connections = int((await postgresql.execute(BACKENDS))[0][0])

    row = table.judge(
        "F-06",
        "The network to PostgreSQL dark for half a minute",
        clients.history,
        endings=await endings(postgresql),
        faults=1,
        recoveries=[recovery],
    )
    assert row.broken == []
    assert _slowest(clients, since=hung) <= scale.seconds(6)
    assert recovery <= scale.seconds(5)
    assert connections <= POOL * len(processes)


async def test_f06_rl05_backends_that_are_stopped_and_go_on_cost_no_session(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    async with (
        running(postgresql.url, tmp_path) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.1)),
    ):
        await asyncio.sleep(1)
        stopped = time.monotonic()
        with frozen(postgresql.children()):
            await _pass(scale, scale.of(30, 6))
        recovery = await clients.until_served(since=time.monotonic(), within=scale.seconds(5))
        await asyncio.sleep(1)
        connections = int((await postgresql.execute(BACKENDS))[0][0])

    row = table.judge(
        "F-06 stopped",
        "PostgreSQL's processes stopped for half a minute (`SIGSTOP`), while new ones are started",
        clients.history,
        endings=await endings(postgresql),
        faults=1,
        recoveries=[recovery],
    )
    assert row.broken == []
    assert _slowest(clients, since=stopped) <= scale.seconds(6)
    assert recovery <= scale.seconds(5)
    assert connections <= POOL * len(processes)


async def test_f17_a_table_that_is_locked_is_a_503_soon_and_a_deadlock_never(
    service: Service, scale: Scale, table: Table
) -> None:
    postgresql, processes = service.postgresql, service.processes
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.5)),
    ):
        locking = await asyncpg.connect(postgresql.url)
        async with locking.transaction():
            await locking.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            locked = time.monotonic()
            await _pass(scale, scale.of(20, 3))
        recovery = await clients.until_served(since=time.monotonic(), within=scale.seconds(5))
        await locking.close()

    row = table.judge(
        "F-17 lock",
        "The users' table locked for 20 s",
        clients.history,
        endings=await endings(postgresql),
        faults=1,
        recoveries=[recovery],
    )
    assert row.broken == []
    assert _slowest(clients, since=locked) <= scale.seconds(3)
    assert recovery <= scale.seconds(5)


async def test_f17_fewer_connections_than_the_pools_would_hold_are_a_503_at_most(
    service: Service, scale: Scale, table: Table
) -> None:
    postgresql, processes = service.postgresql, service.processes
    postgresql.configure({"max_connections": "8", "superuser_reserved_connections": "0", "max_wal_senders": "0"})
    await asyncio.to_thread(postgresql.restart)
    try:
        async with (
            crowd(addresses(processes), scale.of(64, 16)) as clients,
            clients.at_work(Habits(pause=0.2)),
        ):
            began = time.monotonic()
            await _pass(scale, scale.of(10, 3))
    finally:
        postgresql.configure({"max_connections": "100", "superuser_reserved_connections": "3", "max_wal_senders": "10"})
        await asyncio.to_thread(postgresql.restart)

    found = await endings(postgresql)
    row = table.judge("F-17 connections", "8 connections for two pools of 10", clients.history, endings=found, faults=1)
    assert row.broken == []
    assert _slowest(clients, since=began) <= scale.seconds(3)


async def test_f19_rl04_backends_that_are_terminated_at_random_cost_no_session(
    service: Service, scale: Scale, table: Table
) -> None:
    postgresql, processes = service.postgresql, service.processes
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.2)),
    ):
        terminating = await asyncpg.connect(postgresql.url)
        killed = 0
        for _ in scale.times(60, 1):
            for _ in range(10):
                killed += len(await terminating.fetch(ONE_BACKEND))
                await asyncio.sleep(0.1)
        await terminating.close()
        recovery = await clients.until_served(since=time.monotonic(), within=scale.seconds(5))

    row = table.judge(
        "F-19",
        "Backends terminated at random, ten in a second",
        clients.history,
        endings=await endings(postgresql),
        faults=killed,
        recoveries=[recovery],
    )
    assert row.broken == []
    assert [process for process in processes if "request_failed" in process.log()] == []


async def _pause_at_half_load(processes: Sequence[Process]) -> float:
    """Of each of 64 clients between two acts: as found out by as many that make none."""
    async with crowd(addresses(processes), 64) as hurried:
        return await hurried.pause_at_half_load()


async def _pass(scale: Scale, seconds: int) -> None:
    for _ in scale.times(seconds, seconds):
        await asyncio.sleep(1)


def _through(relay: Relay, postgresql: Cluster) -> str:
    return postgresql.url.replace(str(postgresql.port), str(relay.port))


def _slowest(clients: Crowd, *, since: float) -> float:
    """Of what was sent since then; a request that was given up counts as long as it was waited for."""
    return max(act.received - act.sent for act in clients.history if act.sent >= since)


async def _statuses(process: Process) -> dict[str, int]:
    """What is answered about the process, and to requests that need the database."""
    body = {"username": "somebody", "email": "someone@example.com", "password": PASSWORD}
    async with httpx2.AsyncClient(base_url=process.address, timeout=15) as http:
        answers = {
            "/health/live": await http.get("/health/live"),
            "/health/ready": await http.get("/health/ready"),
            "/signup": await http.post("/signup", json=body),
            "/token": await http.post("/token", data={"username": "somebody", "password": PASSWORD}),
        }
    assert all("Retry-After" in answer.headers for answer in answers.values() if answer.status_code == 503)
    return {path: answer.status_code for path, answer in answers.items()}


def _megabytes(pid: int) -> float:
    pages: Sequence[str] = Path(f"/proc/{pid}/statm").read_text().split()
    return int(pages[1]) * 4096 / 2**20
