"""A PostgreSQL that may be harmed, and how much harm: all of it by `make faults`, a little by `make test`."""

import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from adapters.sql.migrate import upgrade
from tests.faults.cluster import Cluster, cluster
from tests.faults.table import Table, document

FULL = os.environ.get("PORTUNUS_FAULTS") == "full"
DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
_TABLE = pytest.StashKey[Table]()
_BEGAN = pytest.StashKey[float]()


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
        made.start()
        yield made


@pytest.fixture
async def postgresql(server: Cluster) -> AsyncIterator[Cluster]:
    """Running, and with an empty database at the current schema."""
    await server.create_database()
    await upgrade(server.url)
    yield server
    if not server.is_running():
        server.start()


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """The table; after a full run of every scenario that held, also into docs/faults.md."""
    table = config.stash[_TABLE]
    if not FULL or not table.rows:
        return
    terminalreporter.write_line("")
    terminalreporter.write_line(table.markdown())
    for row in table.rows:
        for found in row.broken[:20]:
            terminalreporter.write_line(f"{row.scenario} {found.promise}: session {found.session}: {found.what}")
    if exitstatus == 0 and not config.option.keyword:
        DOCUMENT.write_text(document(table, seconds=time.monotonic() - config.stash[_BEGAN]))
