"""What every test may ask for."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.databases import Databases, postgresql_server
from tests.fakes import FakeClock


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with postgresql_server() as server:
        made = Databases(server)
        yield made
        asyncio.run(made.drop_all())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
