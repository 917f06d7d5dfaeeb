"""An answer is lost on its way after the commit: the database's, or Portunus's own."""

from pathlib import Path

from tests.faults.clients import crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, Service, endings
from tests.faults.fleet import addresses, running
from tests.faults.relay import ANSWERED, Relay
from tests.faults.table import Table


async def test_f02_rl02_a_refresh_whose_answer_was_lost_after_the_commit_gets_the_same_successor(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    repeated = 0
    async with (
        Relay(postgresql.port).listening() as relay,
        running(postgresql.url.replace(str(postgresql.port), str(relay.port)), tmp_path) as processes,
        crowd(addresses(processes), 1) as clients,
    ):
        client = clients.clients[0]
        for n in scale.times(200, 10):
            lost = 1 + n % 2  # one, which the process makes good; or that of its second try too, and the client comes again
            relay.to_lose, relay.lost = lost, 0
            act = await client.refresh()
            while act.means_later:
                act = await client.refresh()
            assert relay.lost == lost
            relay.to_lose = 0
            outcomes = await postgresql.execute("SELECT outcome, counter FROM sessions")
            assert outcomes[0][1] == n + 1
            repeated += outcomes[0][0] == "repeated"
        await clients.come_back()

    row = table.judge(
        "F-02",
        "The database's answer lost after its commit, once or twice in a row",
        clients.history,
        endings=await endings(postgresql),
        faults=scale.of(200, 10),
    )
    assert row.broken == []
    assert repeated == scale.of(200, 10)


async def test_f02_rl02_a_refresh_whose_answer_never_reached_the_client_gets_the_same_successor(
    service: Service, scale: Scale, table: Table
) -> None:
    lost = 0
    async with (
        Relay(service.processes[0].port, answers=ANSWERED).listening() as relay,
        crowd([f"http://127.0.0.1:{relay.port}"], 1) as clients,
    ):
        client = clients.clients[0]
        for n in scale.times(200, 10):
            relay.to_lose, relay.lost = 1 + n % 2, 0
            acts = [await client.refresh()]
            while acts[-1].means_later:
                acts.append(await client.refresh())
            assert [act.status for act in acts] == [*[None] * relay.to_lose, 200]
            lost += relay.lost
            relay.to_lose = 0
            [(counter,)] = await service.postgresql.execute(
                f"SELECT counter FROM sessions WHERE id = '{acts[-1].session}'"  # noqa: S608 - ours
            )
            assert counter == n + 1
        await clients.come_back()

    row = table.judge(
        "F-02 client",
        "Portunus's own answer lost on its way to the client, once or twice in a row",
        clients.history,
        endings=await endings(service.postgresql),
        faults=lost,
    )
    assert row.broken == []
