"""A standby that has not received the newest commits takes over."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import StoreUnavailable
from domain.revocation import MOST_ON_A_PAGE
from domain.session import Advanced, Ahead, EndReason, Lifetimes, Session, SessionId
from domain.user import User
from tests.examples import HERE, a_stored_session, a_stored_user, a_token, a_user
from tests.fakes import FakeClock
from tests.faults.clients import Habits, crowd
from tests.faults.cluster import Cluster, frozen
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import Process, addresses, running
from tests.faults.history import Lag
from tests.faults.table import Table

GRACE = Lifetimes().grace
SECONDS_ON_THE_WAY = 0.5  # what was committed so recently may not have been sent yet


async def test_f05_with_an_asynchronous_standby_a_failover_costs_what_was_done_last_and_nothing_else(
    asynchronous_pair: tuple[Cluster, Cluster], tmp_path: Path, scale: Scale, table: Table
) -> None:
    primary, standby = asynchronous_pair
    url = f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/portunus?target_session_attrs=read-write"
    recoveries, lags = [], []
    async with (
        running(url, tmp_path) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(log_outs=10, pause=0.2)),
    ):
        for _ in scale.times(5, 1):
            await asyncio.sleep(1)
            began = time.monotonic() - SECONDS_ON_THE_WAY
            with frozen(await primary.senders()):
                await asyncio.sleep(1)
                await asyncio.to_thread(primary.crash)
            lags.append(Lag(began, time.monotonic()))
            await asyncio.to_thread(standby.promote)
            recoveries.append(await clients.until_served(since=time.monotonic(), within=scale.seconds(10)))
            await asyncio.to_thread(primary.standby_of, standby, name="other")
            await asyncio.to_thread(primary.start)
            await standby.until_it_streams()
            primary, standby = standby, primary
        undone = _refreshes_undone(processes)

    row = table.judge(
        "F-05 asynchronous",
        "The primary crashes; what a standby that nobody waits for had not received in its last second is undone",
        clients.history,
        endings=await endings(primary),
        faults=len(recoveries),
        recoveries=recoveries,
        lags=lags,
    )
    scale.say(f" refreshes undone: {undone}")
    assert row.broken == []
    assert max(recoveries) <= scale.seconds(10)
    assert undone > 0, "the standby had received everything: nothing was shown"


async def test_f05_what_an_asynchronous_standby_had_not_received_is_undone_and_readers_of_the_feed_begin_anew(
    asynchronous_pair: tuple[Cluster, Cluster],
) -> None:
    primary, standby = asynchronous_pair
    async with _store(primary) as store:
        (going_on, secret), (logged_out, _) = [await a_stored_session(store, await _a_user(store, n)) for n in range(2)]
        position = (await store.live.read_revocations(None, limit=MOST_ON_A_PAGE)).until
        await _received(primary, standby)
        with frozen(await primary.senders()):
            for counter in range(3):
                assert isinstance(
                    await store.live.rotate(a_token(going_on, secret, counter=counter), grace=GRACE, trace=HERE), Advanced
                )
            assert await store.live.end_session(logged_out.id, reason=EndReason.LOGOUT)
            opened, _ = await a_stored_session(store, await _a_user(store, 2))
            await asyncio.to_thread(primary.crash)
    await asyncio.to_thread(standby.promote)

    async with _store(standby) as successor:
        refreshed = await successor.live.rotate(a_token(going_on, secret, counter=3), grace=GRACE, trace=HERE)
        page = await successor.live.read_revocations(position, limit=MOST_ON_A_PAGE)
        live = [session.id for session in (going_on, logged_out, opened) if await _is_live(successor, session)]
        revoked_again = await successor.live.end_session(logged_out.id, reason=EndReason.LOGOUT)

    assert isinstance(refreshed, Ahead)
    assert refreshed.session.counter == 4
    assert live == [going_on.id, logged_out.id]
    assert (page.reset, page.sessions) == (True, ())
    assert revoked_again


async def test_f05_a_log_out_is_acknowledged_only_once_the_standby_that_commits_wait_for_has_it(
    pair: tuple[Cluster, Cluster],
) -> None:
    primary, standby = pair
    async with _store(primary) as store:
        session, _ = await a_stored_session(store)
        with frozen(await primary.senders()):
            for _ in range(2):  # the first is given up, and committed here by that
                with pytest.raises(StoreUnavailable):
                    await store.live.end_session(session.id, reason=EndReason.LOGOUT)
            assert await _ended(primary) == [session.id]
        acknowledged = await store.live.end_session(session.id, reason=EndReason.LOGOUT)
        await asyncio.to_thread(primary.crash)
    standby.configure({"synchronous_standby_names": ""})
    await asyncio.to_thread(standby.promote)

    assert acknowledged is None  # it was over
    assert await _ended(standby) == [session.id]


@asynccontextmanager
async def _store(server: Cluster) -> AsyncIterator[SqlStore]:
    store = SqlStore(open_engine(server.url, pool_size=2), FakeClock(), Lifetimes())
    try:
        yield store
    finally:
        await store.close()


async def _a_user(store: SqlStore, number: int) -> User:
    return await a_stored_user(store, a_user(f"user{number}"))


async def _is_live(store: SqlStore, session: Session) -> bool:
    return (await store.live.read_session(session.id)) is not None


async def _ended(server: Cluster) -> list[SessionId]:
    return [row[0] for row in await server.execute("SELECT id FROM sessions WHERE ended_at IS NOT NULL")]


async def _received(primary: Cluster, standby: Cluster) -> None:
    written = (await primary.execute("SELECT pg_current_wal_lsn()::text"))[0][0]
    for _ in range(200):
        if (await standby.execute(f"SELECT pg_last_wal_receive_lsn() >= '{written}'"))[0][0]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the standby does not stream")


def _refreshes_undone(processes: list[Process]) -> int:
    return sum(process.log().count('"session_ahead"') for process in processes)
