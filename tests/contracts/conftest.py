"""The three stores, each held to the same promises."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.memory.store import MemoryStore
from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import Store
from domain.session import Lifetimes
from tests.databases import Databases
from tests.fakes import FakeClock

LIFETIMES = Lifetimes()


@dataclass(frozen=True, slots=True)
class Storage:
    """A store, and what a test needs to do behind its back."""

    store: Store
    another: Store  # on the same data, with connections of its own
    age: Callable[[timedelta], Awaitable[None]]  # let time pass for all that is stored


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def storage(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, sqlite_in: Callable[[Path], str]
) -> AsyncIterator[Storage]:
    async def advance(by: timedelta) -> None:
        clock.advance(by)

    if request.param == "memory":
        store = MemoryStore(clock, LIFETIMES)
        yield Storage(store, store, advance)
        return
    if request.param == "sqlite":
        url = sqlite_in(tmp_path)
        first, second = _open(url, clock), _open(url, clock)
        yield Storage(first, second, advance)
    else:
        databases: Databases = request.getfixturevalue("databases")
        url = await databases.make()

        async def age_rows(by: timedelta) -> None:
            await databases.age(url, by)

        first, second = _open(url, clock), _open(url, clock)
        yield Storage(first, second, age_rows)
    await first.close()
    await second.close()


@pytest.fixture
def store(storage: Storage) -> Store:
    return storage.store


def _open(url: str, clock: FakeClock) -> SqlStore:
    return SqlStore(open_engine(url, pool_size=10), clock, LIFETIMES)
