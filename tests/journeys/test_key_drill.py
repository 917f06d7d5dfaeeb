"""`portunus keys drill`, and the schedule, on servers that run, with spans of seconds."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
import uvicorn
from dependency_injector import providers
from pydantic import SecretStr

from adapters.sql.migrate import upgrade
from entrypoints.container.root import build
from entrypoints.drill import Drill
from entrypoints.http.factory import app_on
from entrypoints.settings import Settings
from entrypoints.witness import Witness
from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.journeys.conftest import Client
from tests.rings import put_an_old_ring
from tests.server import PORTUNUS, Server, free_port, serving

SHORT = {
    "PORTUNUS_SECRET_KEY": SECRET,
    "PORTUNUS_ISSUER": "http://127.0.0.1:8000",
    "PORTUNUS_ACCESS_TOKEN_LIFETIME": "3",
    "PORTUNUS_KEY_SET_MAX_AGE": "1",
    "PORTUNUS_KEY_RELOAD": "1",
    "PORTUNUS_KEY_ROTATION": "PT3H",
}
RELOAD = 1
LIFE = 3 + RELOAD + 5  # seconds that a key verifies after it has stopped


@dataclass(frozen=True, slots=True)
class Drilled:
    report: dict[str, Any]
    told: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Installation:
    """Servers on one database, and the folder of the operator's shell."""

    url: str
    folder: Path
    servers: Sequence[Server]

    def portunus(self, *words: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTUNUS_")}
        return subprocess.Popen(
            [PORTUNUS, *words],
            cwd=self.folder,
            env={**inherited, **SHORT, "PORTUNUS_ENV": "development", "PORTUNUS_DATABASE_URL": self.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def drill(self, *words: str) -> subprocess.Popen[str]:
        signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # what runs in the background ignores it, and so do its children
        urls = [word for server in self.servers for word in ("--url", server.address)]
        process = self.portunus("keys", "drill", *urls, "--username", "drill", "--every", "0.2", "--json", *words)
        assert process.stdin
        process.stdin.write(PASSWORD + "\n")
        process.stdin.close()
        process.stdin = None
        return process


def ended(process: subprocess.Popen[str]) -> Drilled:
    printed, told = process.communicate(timeout=60)
    assert "Traceback" not in told
    return Drilled(json.loads(printed), told, process.returncode)


async def sign_up(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, timeout=20) as http:
        assert (await Client(http).sign_up("drill")).status_code == 201


@pytest.fixture(scope="module")
async def installations(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Installation]]:
    """Two processes on a PostgreSQL, one on a SQLite, and rings of keys that are an hour old."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "other", "sqlite")]
    file = f"sqlite:///{folders[2] / 'portunus.db'}"
    await upgrade(file)
    urls = [await databases.make()] * 2 + [file]
    await asyncio.gather(*(put_an_old_ring(url, age=timedelta(hours=1)) for url in set(urls)))
    with ExitStack() as stack:

        def start(url: str, folder: Path) -> Server:
            return stack.enter_context(serving(url, folder, **SHORT))

        servers = await asyncio.gather(*(asyncio.to_thread(start, *each) for each in zip(urls, folders, strict=True)))
        await asyncio.gather(sign_up(servers[0].address), sign_up(servers[2].address))
        yield [Installation(urls[0], folders[0], servers[:2]), Installation(urls[2], folders[2], servers[2:])]


@pytest.fixture(scope="module")
def postgresql(installations: list[Installation]) -> Installation:
    return installations[0]


@pytest.fixture(scope="module")
def sqlite(installations: list[Installation]) -> Installation:
    return installations[1]


@contextmanager
def serving_from_memory() -> Iterator[str]:
    """In this process, with keys that rotate every seven seconds."""
    second = timedelta(seconds=1)
    settings = Settings(
        env="development",
        database_url=SecretStr("memory://"),
        secret_key=SecretStr(SECRET),
        access_token_lifetime=2 * second,
        key_set_max_age=second,
        key_reload=second,
    ).with_defaults()
    container = build(settings)
    policy = replace(container.adapters.key_policy(), skew=0.3 * second, signs_for=7 * second)
    container.adapters.key_policy.override(providers.Object(policy))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app_on(container, settings), port=port, ws="none", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def watched(address: str) -> Drilled:
    told: list[str] = []
    drill = Drill(Witness([address]), 0.1, say=told.append)
    drill.stops = drill.witness.log_in("drill", PASSWORD)
    drill.watch()
    drill.witness.log_out()
    return Drilled(drill.report(), "\n".join(told), 0 if drill.ok else 1)


@pytest.fixture(scope="module")
async def drilled(postgresql: Installation, sqlite: Installation) -> dict[str, Drilled]:
    """All at the same time, for they mostly wait."""
    with serving_from_memory() as address:
        await sign_up(address)
        drills = {"postgresql": postgresql.drill(), "sqlite": sqlite.drill()}
        memory = await asyncio.to_thread(watched, address)
    return {"memory": memory} | {name: await asyncio.to_thread(ended, process) for name, process in drills.items()}


@pytest.mark.parametrize("storage", ["memory", "sqlite", "postgresql"])
async def test_ks03_a_drill_on_a_running_server_rotates_to_the_end_without_a_wrong_401(
    drilled: dict[str, Drilled], storage: str
) -> None:
    drill = drilled[storage]

    report = drill.report
    assert (drill.exit_code, report["ok"], report["wrong_401s"], report["failed"]) == (0, True, 0, 0), report
    assert report["tokens"].keys() == {report["from"], report["to"]}
    assert min(report["requests"], report["checked_offline"]) > 30
    assert f"{report['to']} signs" in drill.told


@pytest.mark.parametrize("storage", ["sqlite", "postgresql"])
async def test_a_drill_says_first_how_long_it_takes_and_takes_as_long(drilled: dict[str, Drilled], storage: str) -> None:
    drill = drilled[storage]

    assert f"The drill lasts {LIFE} s, until 20" in drill.told.splitlines()[0]
    assert drill.report["retired_after"] - drill.report["promoted_after"] > LIFE - 1


@pytest.fixture(scope="module")
async def spoilt(sqlite: Installation, drilled: dict[str, Drilled]) -> tuple[Drilled, Drilled]:
    """A drill that is stopped once the next key signs, and one that watches how the older key is retired too early."""
    assert drilled["sqlite"].report["ok"]  # so that the next key is known for long enough, and takes over at once
    watching = sqlite.drill("--watch")
    await told(watching, "Waiting for a rotation")
    stopped = sqlite.drill()
    await asyncio.gather(told(watching, " signs. "), told(stopped, " signs. "))
    stopped.send_signal(signal.SIGINT)
    retire_too_early(sqlite.folder / "portunus.db")
    return await asyncio.to_thread(ended, stopped), await asyncio.to_thread(ended, watching)


async def test_a_drill_finds_tokens_that_are_refused_before_they_expire(spoilt: tuple[Drilled, Drilled]) -> None:
    _, watching = spoilt

    report = watching.report
    assert (watching.exit_code, report["ok"]) == (1, False)
    assert report["wrong_401s"] > 0
    assert {finding["kid"] for finding in report["findings"]} == {report["from"]}
    assert any(finding["what"] == "status 401" and finding["where"].endswith("/users/me") for finding in report["findings"])


async def test_a_drill_that_is_stopped_reports_logs_out_and_leaves_the_rotation_to_go_on(
    spoilt: tuple[Drilled, Drilled], sqlite: Installation
) -> None:
    stopped, watching = spoilt

    assert stopped.exit_code == 130
    assert stopped.report["lacking"] == ["It was stopped before its end."]
    assert stopped.report["to"] == watching.report["to"]
    with closing(sqlite3.connect(sqlite.folder / "portunus.db")) as database:
        assert database.execute("SELECT DISTINCT end_reason FROM sessions").fetchall() == [("logout",)]


@pytest.mark.usefixtures("drilled")
async def test_a_rotation_that_is_due_is_done_once_and_every_process_follows_without_a_restart(
    postgresql: Installation, databases: Databases
) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(logged_in(server.address)) for server in postgresql.servers]
        await databases.execute(
            postgresql.url, "UPDATE signing_keys SET signs_from = signs_from - interval '4 h' WHERE signs_until IS NULL"
        )

        took = await asyncio.gather(*(client.until_another_key_signs() for client in clients))

    [kid] = {client.kid for client in clients}
    assert max(took) < 2 * RELOAD + 5  # a reload until one decides, another until the other has heard of it; and slow machines
    logs = "".join(server.log_path.read_text() for server in postgresql.servers)
    assert len(re.findall(r'"event": ?"signing_key_rotation"', logs)) == 1
    assert kid in logs


@dataclass(slots=True)
class Refreshing:
    """Only refreshes: what it is answered tells a process nothing of the ring, which it reads anew by its schedule alone."""

    client: Client
    pair: dict[str, Any]

    @property
    def kid(self) -> str:
        kid: str = jwt.get_unverified_header(self.pair["access_token"])["kid"]
        return kid

    async def until_another_key_signs(self) -> float:
        """How many seconds that took."""
        first, began = self.kid, time.monotonic()
        while self.kid == first:
            assert time.monotonic() < began + 30
            await asyncio.sleep(0.1)
            self.pair = (await self.client.refresh(self.pair["refresh_token"])).json()
        return time.monotonic() - began


@asynccontextmanager
async def logged_in(address: str) -> AsyncIterator[Refreshing]:
    async with httpx2.AsyncClient(base_url=address, timeout=20) as http:
        yield Refreshing(Client(http), await Client(http).log_in("drill"))


def retire_too_early(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE signing_keys SET verifies_until = signs_until WHERE signs_until IS NOT NULL")
        connection.execute("UPDATE key_ring SET generation = generation + 1")
        connection.commit()


async def told(process: subprocess.Popen[str], text: str) -> None:
    """Wait until it has said so."""
    assert process.stderr

    def read() -> None:
        assert process.stderr
        for line in process.stderr:
            if text in line:
                return
        raise AssertionError(f"it ended without: {text}")

    await asyncio.to_thread(read)
