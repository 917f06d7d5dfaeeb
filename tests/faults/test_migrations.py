"""The schema moves on under processes that were there before."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.clients import Habits, crowd
from tests.faults.conftest import Scale, Service, endings
from tests.faults.fleet import addresses
from tests.faults.history import Act
from tests.faults.planted import contract, expand, plant
from tests.faults.table import Table


async def test_f18_rl09_the_processes_of_one_release_serve_while_the_schema_becomes_that_of_the_next_and_start_on_it(
    service: Service, tmp_path: Path, scale: Scale, table: Table
) -> None:
    postgresql, processes = service.postgresql, service.processes
    plant(tmp_path)
    migrations: list[tuple[float, float]] = []
    async with (
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(log_outs=10, pause=0.2)),
    ):
        for n in scale.times(10, 1):
            for migrate in (expand, contract):
                await asyncio.sleep(0.5)
                began = time.monotonic()
                await migrate(postgresql.url, tmp_path)
                migrations.append((began, time.monotonic()))
                if migrate is expand:
                    await processes[n % 2].stop()
                    await processes[n % 2].start()  # until it says that it is ready

    row = table.judge(
        "F-18",
        "Under load a migration of a later release adds to every table in use, processes start on it, and it is undone",
        clients.history,
        endings=await endings(postgresql),
        faults=len(migrations),
    )
    slowest = max(ended - began for began, ended in migrations)
    refused = [act for act in clients.history if act.means_later]
    scale.say(f" slowest migration: {slowest:.2f} s, told to come later meanwhile: {len(refused)}")
    assert row.broken == []
    assert [act for act in refused if not _met(act, migrations)] == []


def _met(act: Act, migrations: Sequence[tuple[float, float]]) -> bool:
    return any(act.sent <= ended and began <= act.received for began, ended in migrations)
