"""The revocation feed, when its database crashes or another takes its place."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import StoreUnavailable
from domain.revocation import MOST_ON_A_PAGE, FeedPosition, RevocationPage
from domain.session import EndReason, Lifetimes, SessionId
from tests.examples import a_stored_session, a_stored_user, a_user
from tests.fakes import FakeClock
from tests.faults.cluster import Cluster, cluster

# What throttling and the like do all the time: take the id of a transaction, and leave nothing durable behind.
FLEETING = "DO $$ BEGIN FOR n IN 1..500 LOOP PERFORM pg_current_xact_id(); ROLLBACK; END LOOP; END $$"


@pytest.fixture
async def store(postgresql: Cluster) -> AsyncIterator[SqlStore]:
    opened = _open(postgresql)
    yield opened
    await opened.close()


@pytest.fixture
def standby(postgresql: Cluster) -> Iterator[Cluster]:
    with cluster() as made:
        made.standby_of(postgresql, name="standby")
        made.start()
        yield made.at(postgresql.url.rpartition("/")[2])


async def test_after_a_crash_a_reader_misses_nothing_though_ids_of_transactions_are_given_again(
    postgresql: Cluster, store: SqlStore
) -> None:
    before = await _end_a_session(store, "before")
    await postgresql.execute(FLEETING)
    position = (await _read(store)).until
    reached = await _next_xid(postgresql)

    await asyncio.to_thread(postgresql.restart, "immediate")
    given_again = await _next_xid(postgresql)
    afterwards = _open(postgresql)
    ended = [await _end_a_session(afterwards, f"user{number}") for number in range(3)]
    await postgresql.execute(FLEETING)

    page = await _read(afterwards, position)
    await afterwards.close()
    assert given_again < reached, "nothing was lost: the crash came too late to show anything"
    assert await _next_xid(postgresql) > reached
    assert (set(page.sessions) - {before}, page.reset) == (set(ended), False)


async def test_after_a_promotion_a_reader_of_the_old_server_is_told_all_that_counts(
    postgresql: Cluster, standby: Cluster, store: SqlStore
) -> None:
    ended = [await _end_a_session(store, f"user{number}") for number in range(3)]
    position = (await _read(store)).until
    await _caught_up(postgresql, standby)
    successor = _open(standby)
    with pytest.raises(StoreUnavailable):
        await _read(successor, position)

    await asyncio.to_thread(standby.promote)

    first = await _read(successor, position)
    newest = await _end_a_session(successor, "newest")
    second = await _read(successor, first.until)
    await successor.close()
    assert (set(first.sessions), first.reset) == (set(ended), True)
    assert (set(second.sessions) - set(ended), second.reset) == ({newest}, False)


async def _end_a_session(store: SqlStore, name: str) -> SessionId:
    session, _ = await a_stored_session(store, await a_stored_user(store, a_user(name)))
    assert await store.live.end_session(session.id, reason=EndReason.LOGOUT)
    return session.id


async def _read(store: SqlStore, after: FeedPosition | None = None) -> RevocationPage:
    return await store.live.read_revocations(after, limit=MOST_ON_A_PAGE)


async def _next_xid(server: Cluster) -> int:
    return int((await server.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))[0][0])


async def _caught_up(primary: Cluster, standby: Cluster) -> None:
    written = (await primary.execute("SELECT pg_current_wal_lsn()::text"))[0][0]
    for _ in range(200):
        if (await standby.execute(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))[0][0]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the standby does not stream")


def _open(server: Cluster) -> SqlStore:
    return SqlStore(open_engine(server.url + "?target_session_attrs=any", pool_size=5), FakeClock(), Lifetimes())
