"""The database goes away, comes back, hangs, or has no room."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.clients import Habits, crowd
from tests.faults.cluster import Cluster, StopMode
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import addresses, running
from tests.faults.table import Table


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_f03_a_restart_of_the_database_is_a_503_at_most_and_over_soon(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table, mode: StopMode
) -> None:
    recoveries = []
    async with (
        running(postgresql.url, tmp_path) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.2)),
    ):
        for _ in scale.times(20, 2):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(postgresql.restart, mode)
            recoveries.append(await clients.until_served(since=time.monotonic(), within=scale.seconds(5)))

    row = table.judge(
        f"F-03 {mode}",
        f"PostgreSQL restarted (`-m {mode}`) under load",
        clients.history,
        endings=await endings(postgresql),
        faults=len(recoveries),
        recoveries=recoveries,
    )
    assert row.broken == []
    assert {act.status for act in clients.history} <= {200, 204, 401, 503}
    assert max(recoveries) <= scale.seconds(5)
