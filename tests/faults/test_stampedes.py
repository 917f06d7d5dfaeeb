"""Many at once, with the same token or for the same name."""

import asyncio
import math
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.examples import PASSWORD
from tests.faults.clients import crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, Service, endings
from tests.faults.fleet import addresses
from tests.faults.table import Row, Table

NOTED = 100  # milliseconds
ACQUIRED = re.compile(r"process \d+ acquired \w+ on .* after ([\d.]+) ms")
GIVEN_UP = "canceling statement due to lock timeout"


async def test_f14_a_thousand_clients_with_five_identical_refreshes_each_stay_logged_in(
    service: Service, scale: Scale, table: Table
) -> None:
    for process in service.processes:  # for clients that take over ten seconds to send, being one process
        await process.restart(PORTUNUS_REQUEST_TIMEOUT="PT1M")
    crowded = crowd(addresses(service.processes), scale.of(1000, 40), patience=60, pools=scale.of(100, 1), kept=0)
    async with crowded as clients:
        with _noting_waits(service.postgresql) as waits:
            acts = await asyncio.gather(*(client.refresh() for client in clients.clients for _ in range(5)))
        await clients.come_back()

    row = table.judge(
        "F-14",
        "A thousand clients, five identical refreshes each, all at once",
        clients.history,
        endings=await endings(service.postgresql),
        faults=len(acts),
    )
    scale.say(f" waits for a lock of over {NOTED} ms: {len(waits)}, the longest {max(waits, default=0):.0f} ms")
    assert row.broken == []
    assert Counter(act.status for act in acts) == {200: len(acts)}
    assert len([wait for wait in waits if wait > 1000]) <= 1


async def test_f15_of_fifty_sign_ups_for_a_name_at_two_processes_one_succeeds(
    service: Service, scale: Scale, table: Table
) -> None:
    names, rivals = scale.of(100, 5), scale.of(50, 20)
    statuses: Counter[int] = Counter()
    slowest = 0.0
    async with crowd(addresses(service.processes), 0) as clients:
        for name in scale.times(names, names):
            body = {"username": f"{clients.name}-{name}", "email": "someone@example.com", "password": PASSWORD}
            began = time.monotonic()
            answers = await asyncio.gather(
                *(clients.http.post(f"{clients.addresses[n % 2]}/signup", json=body) for n in range(rivals))
            )
            slowest = max(slowest, time.monotonic() - began)
            statuses.update(answer.status_code for answer in answers)
        stored = await service.postgresql.execute("SELECT username FROM users")

    table.add(
        Row(
            scenario="F-15",
            what="Fifty sign-ups at once for each of a hundred names",
            operations=names * rivals,
            faults=names,
            broken=[],
            slowest=slowest,
        )
    )
    assert len([row for row in stored if row[0].startswith(f"{clients.name}-")]) == names
    assert statuses == {201: names, 400: names * (rivals - 1)}


@contextmanager
def _noting_waits(postgresql: Cluster) -> Iterator[list[float]]:
    """Afterwards those for a lock that were longer than `NOTED`, in milliseconds, as the server logged them.

    One that was given up counts as endless.
    """
    waits: list[float] = []
    before = len(postgresql.log())
    postgresql.configure({"log_lock_waits": "on", "deadlock_timeout": f"{NOTED}ms"})
    postgresql.reload()
    try:
        yield waits
    finally:
        postgresql.configure({"log_lock_waits": "off", "deadlock_timeout": "1s"})
        postgresql.reload()
        logged = postgresql.log()[before:]
        waits += [float(waited) for waited in ACQUIRED.findall(logged)]
        waits += [math.inf] * logged.count(GIVEN_UP)
