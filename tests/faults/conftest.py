"""A PostgreSQL that may be harmed, and how much harm: all of it by `make faults`, a little by `make test`."""

import os
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.sql.migrate import upgrade
from tests.faults.cluster import Cluster, cluster
from tests.faults.fleet import Process, running
from tests.faults.table import Table, document, updated

FULL = os.environ.get("PORTUNUS_FAULTS") == "full"
DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
_TABLE = pytest.StashKey[Table]()
_BEGAN = pytest.StashKey[float]()
_ROWS_BEFORE = pytest.StashKey[int]()
_SCENARIO = re.compile(r"test_f(\d\d)_(?:[a-z]{2}\d\d_)*")


@dataclass(frozen=True, slots=True)
class Scale:
    config: pytest.Config

    def of(self, full: int, short: int) -> int:
        return full if FULL else short

    def times(self, full: int, short: int) -> Iterator[int]:
        """So many rounds, told on the terminal in a full run."""
        count = self.of(full, short)
        for n in range(count):
            self.say(f" {n + 1}/{count}")
            yield n

    def seconds(self, bound: float) -> float:
        """A bound that a quiet machine keeps; the short form runs where others work too."""
        return bound if FULL else 4 * bound

    def say(self, text: str) -> None:
        if FULL:
            with self.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                self.config.get_terminal_writer().write(text, flush=True)


@pytest.fixture
def scale(pytestconfig: pytest.Config) -> Scale:
    return Scale(pytestconfig)


@pytest.fixture
def table(pytestconfig: pytest.Config) -> Table:
    return pytestconfig.stash[_TABLE]


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    with cluster() as made:
        made.create()
        made.configure({"wal_writer_delay": "10s"})  # what nobody waits for is lost in a crash, not flushed before it
        made.start()
        yield made


@pytest.fixture
async def postgresql(server: Cluster) -> AsyncIterator[Cluster]:
    """Running, and with a database of the test's own at the current schema."""
    yield await _with_a_database(server)
    if not server.is_running():
        server.start()


@pytest.fixture
async def asynchronous_pair() -> AsyncIterator[tuple[Cluster, Cluster]]:
    """A primary with a database at the current schema, and a standby that streams from it and that nobody waits for."""
    with cluster() as primary, cluster() as standby:
        primary.create()
        primary.start()
        await primary.create_database()
        await upgrade(primary.url)
        standby.standby_of(primary, name="other")
        standby.start()
        await primary.until_it_streams()
        yield primary, standby


@pytest.fixture
async def pair(asynchronous_pair: tuple[Cluster, Cluster]) -> tuple[Cluster, Cluster]:
    """The same, but commits wait for the standby."""
    await asynchronous_pair[0].wait_for_standbys()
    return asynchronous_pair


@dataclass(frozen=True, slots=True)
class Service:
    postgresql: Cluster
    processes: list[Process]


@pytest.fixture(scope="session")
async def two_processes(server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    database = await _with_a_database(server)
    async with running(database.url, tmp_path_factory.mktemp("service")) as processes:
        yield Service(database, processes)


@pytest.fixture
async def service(two_processes: Service) -> AsyncIterator[Service]:
    """Two processes and their database, which the tests that need no others share: they leave all running, or this does."""
    yield two_processes
    if not two_processes.postgresql.is_running():
        two_processes.postgresql.start()
    for process in two_processes.processes:
        if not process.is_alive():
            await process.stop()
            await process.start()


async def _with_a_database(server: Cluster) -> Cluster:
    database = server.at(f"portunus_{uuid4().hex[:8]}")
    await database.create_database()
    await upgrade(database.url)
    return database


async def endings(postgresql: Cluster) -> Mapping[str, str]:
    """Why each session ended, of those that did."""
    rows = await postgresql.execute("SELECT id::text, end_reason FROM sessions WHERE end_reason IS NOT NULL")
    return {row[0]: row[1] for row in rows}


def endings_in_sqlite(path: Path) -> Mapping[str, str]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT id, end_reason FROM sessions WHERE end_reason IS NOT NULL").fetchall()
    finally:
        connection.close()
    return {str(UUID(row[0])): row[1] for row in rows}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = Table()
    config.stash[_BEGAN] = time.monotonic()


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_ROWS_BEFORE] = len(item.config.stash[_TABLE].rows)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A scenario that fails stands in the table as such, also if it broke before it had anything to tell."""
    report = yield
    if report.failed and (scenario := _SCENARIO.match(item.name)):
        what = item.name.removeprefix(scenario[0]).replace("_", " ")
        item.config.stash[_TABLE].fail(f"F-{scenario[1]}", what, since=item.stash[_ROWS_BEFORE])
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """The table; after a full run also into docs/faults.md, where those of other scenarios stay if one was run alone."""
    table = config.stash[_TABLE]
    if not FULL or not table.rows:
        return
    terminalreporter.write_line("")
    terminalreporter.write_line(table.markdown())
    for row in table.rows:
        for found in row.broken[:20]:
            terminalreporter.write_line(f"{row.scenario} {found.promise}: session {found.session}: {found.what}")
    if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return
    if not config.option.keyword:
        DOCUMENT.write_text(document(table, seconds=time.monotonic() - config.stash[_BEGAN]))
    elif DOCUMENT.exists():
        DOCUMENT.write_text(updated(DOCUMENT.read_text(), table))
