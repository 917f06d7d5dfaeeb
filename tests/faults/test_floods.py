"""More log-ins than there is time to hash for."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import httpx2

from tests.examples import PASSWORD
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale
from tests.faults.fleet import Process, running
from tests.faults.table import Row, Table

_MIB = 1024  # KiB
_MEMORY_OF_A_HASH = 19 * _MIB
_THREADS = 2
_OF_PRODUCTION = {
    "PORTUNUS_ARGON2_MEMORY": str(_MEMORY_OF_A_HASH),
    "PORTUNUS_ARGON2_TIME": "2",
    "PORTUNUS_THROTTLE": "on",
    "PORTUNUS_TRUSTED_PROXIES": "127.0.0.1/32",
}


class Flood:
    """Log-ins under names that nobody has, each from another address; and people, who go on as before."""

    def __init__(self, process: Process, http: httpx2.AsyncClient) -> None:
        self.statuses: Counter[int] = Counter()
        self.without_retry_after = 0
        self.slowest = 0.0
        self.peak = 0
        self._process = process
        self._http = http
        self._sent = 0

    async def guess(self, until: float) -> None:
        while time.monotonic() < until:
            self._sent += 1
            n = self._sent
            began = time.monotonic()
            answer = await self._http.post(
                f"{self._process.address}/token",
                data={"username": f"nobody{n}", "password": "not the password at all"},
                headers={"X-Forwarded-For": f"198.{18 + n // 65536 % 2}.{n // 256 % 256}.{n % 256}"},
            )
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses[answer.status_code] += 1
            self.without_retry_after += answer.status_code in {429, 503} and "Retry-After" not in answer.headers

    async def ask(self, path: str, headers: dict[str, str], until: float) -> list[float]:
        took = []
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await self._http.get(self._process.address + path, headers=headers)
            took.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text
            self.peak = max(self.peak, resident(self._process.pid))
            await asyncio.sleep(0.05)
        return took

    async def log_in(self, device: str, until: float) -> list[int]:
        statuses = []
        while time.monotonic() < until:
            statuses.append((await log_in(self._http, self._process, device)).status_code)
            await asyncio.sleep(0.3)
        return statuses


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


async def test_f09_a_flood_of_log_ins_takes_bounded_memory_and_others_are_served(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=600)
    async with (
        running(postgresql.url, tmp_path, processes=1, env=_OF_PRODUCTION) as [process],
        httpx2.AsyncClient(timeout=30, limits=limits) as http,
    ):
        body = {"username": "johndoe", "email": "johndoe@example.com", "password": PASSWORD}
        assert (await http.post(f"{process.address}/signup", json=body)).status_code == 201
        answer = await log_in(http, process, "")
        device, bearer = answer.headers["Device-Token"], {"Authorization": f"Bearer {answer.json()['access_token']}"}
        flood, base = Flood(process, http), resident(process.pid)
        until = time.monotonic() + scale.of(60, 4)
        guessing = asyncio.gather(*(flood.guess(until) for _ in range(scale.of(500, 60))))
        me, live, owner = await asyncio.gather(
            flood.ask("/users/me", bearer, until), flood.ask("/health/live", {}, until), flood.log_in(device, until)
        )
        await guessing
        afterwards = await flood.ask("/users/me", bearer, time.monotonic() + 2)

    row = table.add(
        Row(
            scenario="F-09",
            what="Five hundred clients that guess from as many addresses, for a minute; people go on meanwhile",
            operations=flood.statuses.total() + len(me) + len(live) + len(owner),
            faults=flood.statuses.total(),
            broken=[],
            slowest=flood.slowest,
        )
    )
    told = f"me {p99(me):.3f} s, live {p99(live):.3f} s, after {p99(afterwards):.3f} s, +{(flood.peak - base) // _MIB} MiB"
    scale.say(f" {told}, {dict(flood.statuses)}")
    assert row.faults > 0
    assert set(flood.statuses) <= {401, 429, 503}
    assert flood.without_retry_after == 0
    assert set(owner) == {200}, Counter(owner)
    assert flood.peak <= base + _THREADS * _MEMORY_OF_A_HASH + 64 * _MIB, told
    # The floods' own clients are on the same cores, and in the short form other work too.
    assert p99(me) <= scale.seconds(0.25), told
    assert p99(live) <= scale.seconds(0.25), told
