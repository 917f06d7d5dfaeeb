import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import Databases
from tests.properties.owners import Owners
from tests.properties.worlds import InMemory, InPostgresql, InSqlite, World

EXAMPLES = int(os.environ.get("PORTUNUS_PROPERTY_EXAMPLES", "0"))  # 0: a few, and the same ones each time


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_in: Callable[[Path], str]
) -> Callable[[], World]:
    if request.param == "memory":
        return lambda: World(InMemory())
    if request.param == "sqlite":
        return lambda: World(InSqlite(sqlite_in(tmp_path_factory.mktemp("example"))))
    databases: Databases = request.getfixturevalue("databases")
    url = asyncio.run(databases.make())
    return lambda: World(InPostgresql(databases, url))


def _few(request: pytest.FixtureRequest) -> int:
    """As many as tell a broken memory store; a file or a server takes longer for each."""
    return 40 if "memory" in request.node.name else 20


def test_rt02_rt03_rt05_rt09_rt10_whatever_is_done_to_sessions_they_do_as_promised(
    make_world: Callable[[], World], request: pytest.FixtureRequest
) -> None:
    class Here(Owners):
        def __init__(self) -> None:
            super().__init__(make_world)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES or _few(request),
            phases=list(Phase) if EXAMPLES else [Phase.generate],
            derandomize=not EXAMPLES,
            database=None,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
