"""The clock of one process is wrong."""

import asyncio
import sys
from pathlib import Path

from tests.faults import shifted
from tests.faults.clients import Habits, crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import addresses, running
from tests.faults.history import Operation
from tests.faults.table import Table

MINUTES = 60
DAY = 24 * 60 * MINUTES
SHIFTED = (sys.executable, shifted.__file__)


async def test_f10_rl10_a_process_whose_clock_steps_ends_no_session(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    clock = tmp_path / "clock"
    put(clock, 0)
    env = {"PORTUNUS_FAULTS_CLOCK": str(clock), "PYTHONPATH": str(Path(shifted.__file__).parents[2])}
    async with (
        running(postgresql.url, tmp_path, processes=1) as right,
        running(postgresql.url, tmp_path, processes=1, env=env, command=SHIFTED) as wrong,
        crowd(addresses([*right, *wrong]), scale.of(64, 8)) as clients,
        clients.at_work(Habits(pause=0.1)),
    ):
        for step in (2 * MINUTES, -2 * MINUTES, DAY, -DAY):
            put(clock, step)
            await asyncio.sleep(scale.of(5, 1))
            put(clock, 0)
            await asyncio.sleep(scale.of(2, 1))

    # An access token that is good for a quarter of an hour may look expired, or not yet issued, to a clock that is off.
    asked_wrongly = [act for act in clients.history if act.operation is Operation.ME and act.process == 1 and act.status == 401]
    row = table.judge(
        "F-10",
        "The clock of one of two processes steps by 2 minutes and by a day, each way, and back",
        [act for act in clients.history if act not in asked_wrongly],
        endings=await endings(postgresql),
        faults=8,
    )
    assert row.broken == []


def put(clock: Path, step: int) -> None:
    """In one act: a process that reads while a file is written may find it empty."""
    (new := clock.with_suffix(".new")).write_text(str(step))
    new.replace(clock)
