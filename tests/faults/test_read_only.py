"""A database that answers, and takes no writes."""

import asyncio
import time
from collections import Counter

import httpx2

from tests.examples import PASSWORD
from tests.faults.conftest import Scale, Service
from tests.faults.table import Row, Table

_READ_ONLY = "default_transaction_read_only"
_SECONDS_BETWEEN = 0.1


class Somebody:
    """Asks, refreshes, signs up and logs in; notes what each of that was answered."""

    def __init__(self, http: httpx2.AsyncClient, address: str, name: str) -> None:
        self._http = http
        self._address = address
        self._account = {"username": name, "password": PASSWORD}
        self.reads: Counter[int] = Counter()
        self.writes: Counter[int] = Counter()
        self.without_retry_after = 0
        self.slowest = 0.0
        self._tokens: dict[str, str] = {}

    async def arrive(self) -> None:
        email = "someone@example.com"
        assert (await self._http.post(f"{self._address}/signup", json={**self._account, "email": email})).status_code == 201
        answer = await self._http.post(f"{self._address}/token", data=self._account)
        assert answer.status_code == 200
        self._tokens = answer.json()

    async def ask(self) -> int:
        headers = {"Authorization": f"Bearer {self._tokens['access_token']}"}
        return await self._note(self.reads, "GET", "/users/me", headers=headers)

    async def write(self) -> None:
        await self.refresh()
        await self._note(self.writes, "POST", "/token", data=self._account)
        other = {**self._account, "username": f"{self._account['username']}-2", "email": "someone@example.com"}
        await self._note(self.writes, "POST", "/signup", json=other)

    async def refresh(self) -> int:
        return await self._note(self.writes, "POST", "/refresh", json={"refresh_token": self._tokens["refresh_token"]})

    async def _note(self, into: Counter[int], method: str, path: str, **request: object) -> int:
        began = time.monotonic()
        answer = await self._http.request(method, self._address + path, **request)  # type: ignore[arg-type]  # as httpx takes them
        self.slowest = max(self.slowest, time.monotonic() - began)
        into[answer.status_code] += 1
        self.without_retry_after += answer.status_code == 503 and "Retry-After" not in answer.headers
        return answer.status_code


async def test_f16_while_the_database_takes_no_writes_they_are_503_and_it_is_over_soon(
    service: Service, scale: Scale, table: Table
) -> None:
    postgresql = service.postgresql
    async with httpx2.AsyncClient(timeout=30) as http:
        people = [Somebody(http, process.address, f"reader-{n}") for n, process in enumerate(service.processes * 4)]
        await asyncio.gather(*(one.arrive() for one in people))
        await postgresql.execute(f"ALTER SYSTEM SET {_READ_ONLY} = on")
        try:
            await asyncio.to_thread(postgresql.reload)
            await _until_it_is(service, "on")
            until = time.monotonic() + scale.of(30, 2)
            while time.monotonic() < until:
                await asyncio.gather(*(one.write() for one in people), *(one.ask() for one in people))
                await asyncio.sleep(_SECONDS_BETWEEN)
            read, written = sum((one.reads for one in people), Counter()), sum((one.writes for one in people), Counter())
        finally:
            await postgresql.execute(f"ALTER SYSTEM RESET {_READ_ONLY}")
            await asyncio.to_thread(postgresql.reload)
        began = time.monotonic()
        while {await one.refresh() for one in people} != {200}:
            assert time.monotonic() - began < scale.seconds(5)
        recovery = time.monotonic() - began
        asked = {await one.ask() for one in people}

    row = table.add(
        Row(
            scenario="F-16",
            what="PostgreSQL takes no writes for half a minute (`default_transaction_read_only`)",
            operations=read.total() + written.total(),
            faults=1,
            broken=[],
            slowest=max(one.slowest for one in people),
            recovery=recovery,
        )
    )
    scale.say(f" reads {dict(read)}, writes {dict(written)}, over after {recovery:.1f} s")
    assert row.faults == 1
    assert set(written) == {503}, written
    assert set(read) == {200}, read
    assert sum(one.without_retry_after for one in people) == 0
    assert asked == {200}
    assert recovery <= scale.seconds(5)
    assert row.slowest is not None
    assert row.slowest <= scale.seconds(6)


async def _until_it_is(service: Service, value: str) -> None:
    deadline = time.monotonic() + 5
    while (await service.postgresql.execute(f"SHOW {_READ_ONLY}"))[0][0] != value:
        assert time.monotonic() < deadline
        await asyncio.sleep(_SECONDS_BETWEEN)
