"""The primary goes, and a standby is promoted in its place."""

import asyncio
import time
from pathlib import Path

from tests.faults.clients import Habits, crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import addresses, running
from tests.faults.relay import Relay
from tests.faults.table import Table

PINNED = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = 'portunus'"
    " AND pid <> pg_backend_pid()"
)


async def test_f05_rl04_a_failover_costs_no_session_and_leaves_no_connection_at_the_old_server(
    pair: tuple[Cluster, Cluster], tmp_path: Path, scale: Scale, table: Table
) -> None:
    primary, standby = pair
    url = f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/portunus?target_session_attrs=read-write"
    recoveries, pinned = [], 0
    async with (
        running(url, tmp_path) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(pause=0.2)),
    ):
        for _ in scale.times(5, 1):
            await asyncio.sleep(1)
            await asyncio.to_thread(primary.stop)
            await asyncio.to_thread(_promote, standby)
            recoveries.append(await clients.until_served(since=time.monotonic(), within=scale.seconds(10)))
            await asyncio.to_thread(_demote, primary, standby)
            await standby.wait_for_standbys()
            await asyncio.sleep(1)
            pinned += int((await primary.execute(PINNED))[0][0])
            primary, standby = standby, primary

    row = table.judge(
        "F-05 hosts",
        "Failover to a synchronous standby, by a URL with both hosts",
        clients.history,
        endings=await endings(primary),
        faults=len(recoveries),
        recoveries=recoveries,
    )
    assert row.broken == []
    assert max(recoveries) <= scale.seconds(10)
    assert pinned == 0


async def test_f05_rl04_a_server_that_was_demoted_is_let_go_as_soon_as_the_way_leads_elsewhere(
    pair: tuple[Cluster, Cluster], tmp_path: Path, scale: Scale, table: Table
) -> None:
    primary, standby = pair
    recoveries, pinned = [], 0
    async with Relay(primary.port).listening() as relay:
        url = primary.url.replace(str(primary.port), str(relay.port))
        async with (
            running(url, tmp_path) as processes,
            crowd(addresses(processes), scale.of(64, 16)) as clients,
            clients.at_work(Habits(pause=0.2)),
        ):
            for _ in scale.times(5, 1):
                await asyncio.sleep(1)
                await asyncio.to_thread(primary.stop)
                await asyncio.to_thread(_promote, standby)
                await asyncio.to_thread(_demote, primary, standby)  # and the way still leads here
                await standby.wait_for_standbys()
                await asyncio.sleep(1)
                relay.target = standby.port
                recoveries.append(await clients.until_served(since=time.monotonic(), within=scale.seconds(10)))
                await asyncio.sleep(1)
                pinned += int((await primary.execute(PINNED))[0][0])
                primary, standby = standby, primary

    row = table.judge(
        "F-05 address",
        "The same behind one address, which leads to the demoted server at first",
        clients.history,
        endings=await endings(primary),
        faults=len(recoveries),
        recoveries=recoveries,
    )
    assert row.broken == []
    assert max(recoveries) <= scale.seconds(10)
    assert pinned == 0


def _promote(standby: Cluster) -> None:
    standby.configure({"synchronous_standby_names": ""})  # there is none yet
    standby.promote()
    standby.reload()


def _demote(primary: Cluster, successor: Cluster) -> None:
    primary.rejoin(successor, name="other")
    primary.start()
