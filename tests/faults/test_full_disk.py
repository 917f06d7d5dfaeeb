"""Storage that has no room left, for real: what is refused, what goes on, and what is there afterwards."""

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from adapters.sql.migrate import upgrade
from tests.examples import PASSWORD
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale
from tests.faults.fleet import Process, running
from tests.faults.small_disk import SmallDisk, small_disk
from tests.faults.table import Row, Table

_LONG = "a-name-of-sixty-letters-so-that-a-page-is-soon-full-and-more-" + "x"
_SECONDS_TO_FILL = 60


@dataclass
class Newcomers:
    """Sign up, log in, refresh and ask; remember what was acknowledged."""

    http: httpx2.AsyncClient
    processes: list[Process]
    signed_up: list[str] = field(default_factory=list)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    without_retry_after: int = 0
    slowest: float = 0.0
    asked: int = 0
    access_token: str = ""

    async def come(self) -> None:
        """One more, and the one who came before goes on."""
        process = self.processes[self.asked % len(self.processes)]
        name = f"n{self.asked:05}"
        self.asked += 1
        account = {"username": name, "password": PASSWORD, "email": f"{_LONG[:48]}{name}@example.com"}
        if await self._send("write", process, "POST", "/signup", json=account) != 201:
            return
        self.signed_up.append(name)
        form = {"username": name, "password": PASSWORD}
        answer = await self._answer("write", process, "POST", "/token", data=form)
        if answer.status_code == 200:
            self.refresh_tokens[name] = answer.json()["refresh_token"]
            self.access_token = answer.json()["access_token"]

    async def refresh(self, name: str) -> int:
        body = {"refresh_token": self.refresh_tokens[name]}
        answer = await self._answer("write", self.processes[0], "POST", "/refresh", json=body)
        if answer.status_code == 200:
            self.refresh_tokens[name] = answer.json()["refresh_token"]
        return answer.status_code

    async def read(self) -> None:
        bearer = {"Authorization": f"Bearer {self.access_token}"}
        for process in self.processes:
            await self._send("read", process, "GET", "/users/me", headers=bearer)
            await self._send("read", process, "GET", "/users/me/sessions", headers=bearer)
            await self._send("read", process, "GET", "/.well-known/revocations")

    async def _send(self, kind: str, process: Process, method: str, path: str, **request: object) -> int:
        return (await self._answer(kind, process, method, path, **request)).status_code

    async def _answer(self, kind: str, process: Process, method: str, path: str, **request: object) -> httpx2.Response:
        began = time.monotonic()
        answer = await self.http.request(method, process.address + path, **request)  # type: ignore[arg-type]  # as httpx takes them
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[kind, answer.status_code] += 1
        self.without_retry_after += answer.status_code == 503 and "Retry-After" not in answer.headers
        return answer


async def _fill_and_make_room(
    row: str, what: str, url: str, disk: SmallDisk, folder: Path, scale: Scale, table: Table, processes: int
) -> None:
    async with running(url, folder, processes=processes) as serving, httpx2.AsyncClient(timeout=30) as http:
        people = Newcomers(http, serving)
        for _ in range(10):
            await people.come()
        before = people.statuses.copy()
        disk.fill()

        deadline = time.monotonic() + _SECONDS_TO_FILL
        while people.statuses["write", 503] < scale.of(200, 20):
            assert time.monotonic() < deadline, people.statuses
            await people.come()
            disk.fill()
        full = people.statuses - before
        people.statuses.clear()
        for name in people.signed_up[:5]:
            await people.refresh(name)
        for _ in range(scale.of(50, 5)):
            await people.read()
        while_full = people.statuses.copy()

        disk.make_room()
        began = time.monotonic()
        while {await people.refresh(name) for name in people.signed_up[:5]} != {200}:
            assert time.monotonic() - began < scale.seconds(5)
        recovery = time.monotonic() - began
        logged_in = [await _log_in(http, serving[0], name) for name in people.signed_up]
        refreshed = [await people.refresh(name) for name in people.refresh_tokens]
        came = people.statuses.copy()
        await people.come()

    table.add(
        Row(
            scenario=row,
            what=what,
            operations=full.total() + while_full.total(),
            faults=1,
            broken=[],
            slowest=people.slowest,
            recovery=recovery,
        )
    )
    scale.say(f" {dict(full)}, then {dict(while_full)}, over after {recovery:.1f} s")
    assert set(full) <= {("write", 201), ("write", 200), ("write", 503)}, full
    assert set(while_full) <= {("read", 200), ("write", 200), ("write", 503)}, while_full
    assert people.without_retry_after == 0
    assert set(logged_in) == {200}, "who was told 201 is there"
    assert set(refreshed) == {200}, "who was given a token has a session"
    assert people.statuses["write", 201] == came["write", 201] + 1
    assert recovery <= scale.seconds(5)
    assert people.slowest <= scale.seconds(6)


async def _log_in(http: httpx2.AsyncClient, process: Process, name: str) -> int:
    answer = await http.post(f"{process.address}/token", data={"username": name, "password": PASSWORD})
    return answer.status_code


async def test_f16_a_full_disk_of_postgresql_refuses_writes_loses_nothing_and_is_over_when_there_is_room(
    tmp_path: Path, scale: Scale, table: Table
) -> None:
    with small_disk(256) as disk, _cluster_on(disk) as server:
        await server.create_database()
        await upgrade(server.url)
        await server.execute("SELECT pg_switch_wal()")  # a whole segment ahead: what has no room is the tables
        await server.execute("CHECKPOINT")
        what = "No room left on the disk of PostgreSQL"
        await _fill_and_make_room("F-16 full", what, server.url, disk, tmp_path, scale, table, processes=2)


async def test_f16_a_full_disk_of_sqlite_refuses_writes_loses_nothing_and_is_over_when_there_is_room(
    tmp_path: Path, scale: Scale, table: Table
) -> None:
    with small_disk(16) as disk:
        url = f"sqlite:///{disk.folder}/portunus.db"
        await upgrade(url)
        what = "No room left on the disk of SQLite's file"
        await _fill_and_make_room("F-16 full, SQLite", what, url, disk, tmp_path, scale, table, processes=1)


@contextmanager
def _cluster_on(disk: SmallDisk) -> Iterator[Cluster]:
    made = Cluster(disk.folder)
    if owner := made.owner:
        shutil.chown(disk.folder, owner)
    made.create()
    made.start()
    try:
        yield made
    finally:
        disk.make_room()
        if made.is_running():
            made.stop("immediate")
