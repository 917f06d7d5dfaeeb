"""Portunus itself is killed, or told to stop."""

import asyncio
import secrets
import time
from pathlib import Path

import httpx2

from adapters.sql.migrate import upgrade
from tests.faults.clients import Habits, crowd
from tests.faults.conftest import Scale, Service, endings, endings_in_sqlite
from tests.faults.fleet import addresses, running
from tests.faults.table import Table
from tests.server import serving


async def test_f01_rl02_kill_9_of_one_process_at_any_moment_costs_no_session(
    service: Service, scale: Scale, table: Table
) -> None:
    kills, recoveries = 0, []
    postgresql, processes = service.postgresql, service.processes
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.05)),
    ):
        for n in scale.times(50, 2):
            await asyncio.sleep(secrets.randbelow(200) / 1000)
            await processes[n % 2].kill()
            killed = time.monotonic()
            await processes[n % 2].start()
            kills += 1
            recoveries.append(await clients.until_served(since=killed, within=scale.seconds(3)))

    row = table.judge(
        "F-01",
        "`kill -9` of one of two processes under load",
        clients.history,
        endings=await endings(postgresql),
        faults=kills,
        recoveries=recoveries,
    )
    assert row.broken == []
    assert max(recoveries) <= scale.seconds(3)


async def test_f01_rl03_kill_9_of_the_only_process_loses_nothing_that_was_acknowledged_on_sqlite(
    tmp_path: Path, scale: Scale, table: Table
) -> None:
    path = tmp_path / "portunus.db"
    await upgrade(f"sqlite:///{path}")
    kills, recoveries = 0, []
    async with (
        running(f"sqlite:///{path}", tmp_path, processes=1) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.05)),
    ):
        for _ in scale.times(50, 2):
            await asyncio.sleep(0.2 + secrets.randbelow(200) / 1000)
            await processes[0].kill()
            killed = time.monotonic()
            await processes[0].start()
            kills += 1
            recoveries.append(await clients.until_served(since=killed, within=scale.seconds(3)))

    row = table.judge(
        "F-01 SQLite",
        "`kill -9` of the only process under load, on SQLite",
        clients.history,
        endings=endings_in_sqlite(path),
        faults=kills,
        recoveries=recoveries,
    )
    assert row.broken == []
    assert max(recoveries) <= scale.seconds(3)


async def test_f07_rl07_a_graceful_stop_fails_no_request_that_was_accepted(
    service: Service, scale: Scale, table: Table
) -> None:
    stops, took = 0, []
    postgresql, processes = service.postgresql, service.processes
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.05)),
    ):
        for n in scale.times(50, 2):
            await asyncio.sleep(secrets.randbelow(200) / 1000)
            began = time.monotonic()
            await processes[n % 2].stop()
            took.append(time.monotonic() - began)
            await processes[n % 2].start()
            stops += 1

    row = table.judge(
        "F-07",
        "SIGTERM to one of two processes under load",
        clients.history,
        endings=await endings(postgresql),
        faults=stops,
        recoveries=took,
    )
    assert row.broken == []
    assert [act for act in clients.history if act.means_later] == []
    assert max(took) <= scale.seconds(10)


async def test_f07_rl07_a_connection_that_is_kept_alive_gets_one_more_answer_when_the_server_stops(tmp_path: Path) -> None:
    with serving("memory://", tmp_path) as server:
        async with httpx2.AsyncClient(base_url=server.address) as http:
            assert (await http.get("/health/live")).status_code == 200
            server.process.terminate()
            answers = list[httpx2.Response]()
            async with asyncio.timeout(20):
                while not answers or answers[-1].headers.get("Connection") != "close":
                    await asyncio.sleep(0.05)
                    answers.append(await http.get("/health/live"))

    assert {answer.status_code for answer in answers} == {200}
