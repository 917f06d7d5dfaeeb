"""A backend is stopped, and carries out what it was sent when nobody waits for it any more."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.clock import SystemClock
from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import StoreUnavailable
from domain.session import Advanced, Lifetimes
from tests.examples import HERE, a_stored_session, a_token
from tests.faults.cluster import Cluster, frozen

GRACE = Lifetimes().grace
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def stores(postgresql: Cluster) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    one, other = (SqlStore(open_engine(postgresql.url, pool_size=1), SystemClock(), Lifetimes()) for _ in range(2))
    yield one, other
    await one.close()
    await other.close()


@pytest.mark.parametrize("steps", [3, 1, 0], ids=["long_spent", "parent", "newest"])
async def test_f06_what_a_stopped_backend_carries_out_later_changes_nothing(
    postgresql: Cluster, stores: tuple[SqlStore, SqlStore], steps: int
) -> None:
    slow, other = stores
    session, secret = await a_stored_session(slow)
    tokens = [a_token(session, secret, counter=counter) for counter in range(5)]
    await slow.live.read_key_ring()  # as each process does before it serves
    await slow.live.rotate(tokens[0], grace=GRACE, trace=HERE)  # from now on the statement is prepared: one message is all
    backends = [row[0] for row in await postgresql.execute(BACKENDS)]

    with frozen(backends):
        with pytest.raises(StoreUnavailable):
            await slow.live.rotate(tokens[1], grace=GRACE, trace=HERE)
        for token in tokens[1 : 1 + steps]:
            assert isinstance(await other.live.rotate(token, grace=GRACE, trace=HERE), Advanced)
        await postgresql.execute("UPDATE sessions SET rotated_at = rotated_at - interval '1 minute'")
    await _gone(postgresql, backends)

    async with other.begin() as work:
        found = await work.sessions.get(session.id)
    assert found is not None
    assert (found.counter, found.ended_at) == (1 + steps, None)


async def _gone(postgresql: Cluster, backends: Sequence[int]) -> None:
    """They end once they have done what they were sent, since nobody listens."""
    for _ in range(400):
        if not {row[0] for row in await postgresql.execute(BACKENDS)}.intersection(backends):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a backend does not go on")
