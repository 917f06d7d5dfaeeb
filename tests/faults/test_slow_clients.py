"""Clients that ask slowly, or take no answer, beside one that does as clients do."""

import asyncio
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import httpx2

from tests.examples import PASSWORD
from tests.faults.conftest import Scale
from tests.faults.fleet import Process, running
from tests.faults.table import Row, Table

_HEADS = (b"GET /users/me HTTP/1.1\r\nHost: portunus\r\n", b"X-Slow: " + b"x" * 1000)
_BODIES = (
    b"POST /refresh HTTP/1.1\r\nHost: portunus\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
    b"{" * 1000,
)
_READERS = (b"GET /docs/assets/swagger-ui.css HTTP/1.1\r\nHost: portunus\r\n\r\n" * 20, b"\r\n" * 500)
_SMALL_WINDOW = 4096
_SECONDS_BETWEEN_TWO = 0.01
_SECONDS_BETWEEN_LOOKS = 0.05


async def hold_on(
    address: str, said: bytes, rest: bytes, *, count: int, pause: float, all_there: asyncio.Barrier
) -> list[float]:
    """So many clients that say something, then the rest byte by byte, and read nothing. Seconds until each was hung up on."""
    place = urlsplit(address)
    ends, began, took = select.poll(), {}, []
    with ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_WINDOW)
            one.connect((place.hostname, place.port))
            one.setblocking(False)
            one.send(said)
            ends.register(one, select.POLLRDHUP)
            began[one.fileno()] = (one, time.monotonic())
            await asyncio.sleep(_SECONDS_BETWEEN_TWO)
        await all_there.wait()
        for byte in rest:
            until = time.monotonic() + pause
            while time.monotonic() < until and began:
                for fileno, _ in ends.poll(0):
                    ends.unregister(fileno)
                    took.append(time.monotonic() - began.pop(fileno)[1])
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            for one, _ in began.values():
                with suppress(OSError):  # the server reads no more before it is read itself, or has hung up by now
                    one.send(bytes([byte]))
    return took


class Honest:
    """Asks who it is, again and again, and notes how long that takes."""

    def __init__(self, http: httpx2.AsyncClient, process: Process, token: str) -> None:
        self._http = http
        self._url = f"{process.address}/users/me"
        self._headers = {"Authorization": f"Bearer {token}"}
        self.took: list[float] = []

    async def ask(self, is_over: Callable[[], bool]) -> float:
        """The 99th percentile, of what was asked until it is over."""
        took = []
        while not is_over():
            began = time.monotonic()
            answer = await self._http.get(self._url, headers=self._headers)
            took.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(0.01)
        self.took += took
        return quantiles(took, n=100, method="inclusive")[98]


def open_files(process: Process) -> int:
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


async def test_f11_ht03_slow_clients_are_hung_up_on_and_delay_nobody(tmp_path: Path, scale: Scale, table: Table) -> None:
    patience, pause, count = scale.of(10, 1), scale.of(20, 1) / 4, scale.of(200, 30)
    p99, took = [], []
    env = {"PORTUNUS_REQUEST_TIMEOUT": str(patience)}
    async with running("memory://", tmp_path, processes=1, env=env) as [process], httpx2.AsyncClient(timeout=30) as http:
        body = {"username": "johndoe", "email": "johndoe@example.com", "password": PASSWORD}
        assert (await http.post(f"{process.address}/signup", json=body)).status_code == 201
        answer = await http.post(f"{process.address}/token", data={"username": "johndoe", "password": PASSWORD})
        honest = Honest(http, process, answer.json()["access_token"])
        base = open_files(process)
        idle = await honest.ask(asyncio.ensure_future(asyncio.sleep(scale.of(10, 1))).done)
        for kinds in [[_HEADS], [_BODIES], [_READERS]] if scale.of(1, 0) else [[_HEADS, _BODIES, _READERS]]:
            there = asyncio.Barrier(len(kinds) + 1)
            holding = asyncio.gather(
                *(hold_on(process.address, *kind, count=count, pause=pause, all_there=there) for kind in kinds)
            )
            await there.wait()
            await asyncio.sleep(0.2)  # what they are sent at first is much, and not slow
            p99.append(await honest.ask(holding.done))
            took += [each for of_kind in await holding for each in of_kind]
        await asyncio.sleep(scale.of(2, 0))
        left = open_files(process)

    row = table.add(
        Row(
            scenario="F-11",
            what="Two hundred clients each that send heads and bodies byte by byte, or take no answer; one asks meanwhile",
            operations=len(honest.took),
            faults=len(took),
            broken=[],
            slowest=max(honest.took),
        )
    )
    told = f"idle {idle:.4f} s, then {p99}; hung up on within {max(took):.1f} s; open files {base}, then {left}"
    scale.say(f" {told}")
    assert row.faults == 3 * count
    assert max(took) <= patience + 5, told
    assert min(took) >= patience - 0.1, told
    assert left <= base, told
    assert max(p99) <= scale.seconds(max(2 * idle, 0.01)), told  # below, it is the clients that are measured
