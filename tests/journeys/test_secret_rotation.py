"""PORTUNUS_SECRET_KEY changes on two processes that clients use meanwhile, each restarted in each step."""

import asyncio
import itertools
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.databases import Databases
from tests.examples import SECRET
from tests.journeys.conftest import Client
from tests.server import PORTUNUS, environment, free_port, launched

OLD = SECRET
NEW = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"
CLIENTS = 4
SECONDS_BETWEEN = 0.1


class Process:
    """Restarted with another secret, it listens where it did before."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._port = free_port()
        self._running = ExitStack()
        self.address = f"http://127.0.0.1:{self._port}"

    def start(self, secret: str) -> None:
        self.stop()
        env = {"PORTUNUS_SECRET_KEY": secret, "PORTUNUS_ISSUER": "http://127.0.0.1:8000", "PORTUNUS_KEY_RELOAD": "1"}
        serving = launched(self._url, self._folder, port=self._port, until="/health/ready", env=env)
        self._running.enter_context(serving)

    def stop(self) -> None:
        self._running.close()


@dataclass
class Users:
    """They refresh at one process, ask at the other, and go to the other where one is away, as behind a load balancer."""

    clients: list[Client]
    answers: Counter[int] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    away: int = 0
    rounds: Counter[int] = field(default_factory=Counter)  # of each client

    async def live(self, number: int) -> None:
        turns = itertools.cycle(self.clients)
        pair = await next(turns).log_in("regular")
        while True:
            pair = (await self.answered(turns, "refresh", pair["refresh_token"], number)).json()
            await self.answered(turns, "me", pair["access_token"], number)
            self.rounds[number] += 1
            await asyncio.sleep(SECONDS_BETWEEN)

    async def all_come_back(self) -> None:
        """Until everyone has begun a round, and ended it."""
        before = self.rounds.copy()
        async with asyncio.timeout(60):
            while any(self.rounds[number] < before[number] + 2 for number in range(CLIENTS)):
                assert self.refusals == []
                await asyncio.sleep(SECONDS_BETWEEN)

    async def answered(self, turns: Any, act: str, token: str, number: int) -> httpx2.Response:
        while True:
            try:
                answer: httpx2.Response = await getattr(next(turns), act)(token)
            except httpx2.TransportError:
                self.away += 1
                await asyncio.sleep(SECONDS_BETWEEN)
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code == 200:
                return answer
            if answer.status_code != 503:
                self.refusals.append(f"client {number}, {act}: {answer.status_code}")
                raise AssertionError(self.refusals[-1])


@asynccontextmanager
async def users(*processes: Process) -> AsyncIterator[Users]:
    async with AsyncExitStack() as stack:
        https = [
            await stack.enter_async_context(httpx2.AsyncClient(base_url=process.address, timeout=20)) for process in processes
        ]
        crowd = Users([Client(http) for http in https])
        assert (await crowd.clients[0].sign_up("regular")).status_code == 201
        tasks = [asyncio.create_task(crowd.live(number)) for number in range(CLIENTS)]
        try:
            yield crowd
        finally:
            ended = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert ended == []


def reseal(url: str, folder: Path, secret: str) -> list[str]:
    """What it says of each key."""
    env: Mapping[str, str] = environment(url, {"PORTUNUS_SECRET_KEY": secret})
    done = subprocess.run(
        [PORTUNUS, "keys", "reseal"], cwd=folder, env=env, check=True, capture_output=True, text=True, timeout=60
    )
    *keys, last = done.stdout.splitlines()
    assert last == "Every key is sealed under the newest value."
    return [line.split(maxsplit=1)[1] for line in keys]


@pytest.fixture
def processes(shared_database: str, tmp_path: Path) -> Iterator[list[Process]]:
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        folder.mkdir()
    made = [Process(shared_database, folder) for folder in folders]
    yield made
    for process in made:
        process.stop()


async def test_ks04_the_secret_changes_in_three_steps_under_load_and_nobody_is_logged_out(
    processes: list[Process], shared_database: str, databases: Databases, tmp_path: Path
) -> None:
    one, other = processes
    await asyncio.gather(*(asyncio.to_thread(process.start, OLD) for process in processes))
    async with users(one, other) as crowd:
        for process, secret in ((one, f"{OLD},{NEW}"), (other, f"{OLD},{NEW}"), (other, f"{NEW},{OLD}"), (one, f"{NEW},{OLD}")):
            await asyncio.to_thread(process.start, secret)
        first = await asyncio.to_thread(reseal, shared_database, tmp_path, f"{NEW},{OLD}")
        await asyncio.sleep(1.5)  # by when each process has read the resealed ring
        await crowd.all_come_back()
        for process in (one, other):
            await asyncio.to_thread(process.start, NEW)
        await crowd.all_come_back()

    assert first == ["moved", "moved"]
    assert crowd.refusals == []
    assert crowd.answers[200] > 100
    assert crowd.away > 0  # so that the restarts were in the middle of it
    assert await databases.fetch(shared_database, "SELECT id FROM sessions WHERE ended_at IS NOT NULL") == []
