"""Portunus in a process of its own, as operators run it."""

import itertools
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.forks import Fork, forked

PORTUNUS = Path(sys.executable).parent / "portunus"

_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 20
_SECONDS_BETWEEN_LOOKS = 0.05
_WORKERS = 16  # of one run, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server process. `address` is what clients put before a path."""

    address: str
    process: subprocess.Popen[bytes] | Fork
    log_path: Path


@contextmanager
def serving(url: str, cwd: Path, *, until: str = "/health/ready", **env: str) -> Iterator[Server]:
    """Serve on a free loopback port, with `url` as the database, from when `until` answers 200.

    `env` holds whole names of variables. Stopped by SIGTERM, which must end it cleanly; unless the test has killed it.
    """
    with launched(url, cwd, port=free_port(), until=until, env=env) as server:
        yield server


@contextmanager
def launched(
    url: str, cwd: Path, *, port: int, until: str, env: Mapping[str, str], command: Sequence[str | Path] = ()
) -> Iterator[Server]:
    """As `serving`; or by a command that takes `--port`. What it logs is added to what it logged there before."""
    log_path, variables = cwd / f"serve-{port}.log", environment(url, env)
    if command:
        with log_path.open("ab") as log:
            process: subprocess.Popen[bytes] | Fork = subprocess.Popen(
                [*command, "--port", str(port)], cwd=cwd, env=variables, stdout=log, stderr=subprocess.STDOUT
            )
    else:
        process = forked(["serve", "--port", str(port)], cwd, variables, log_path)
    server = Server(address=f"http://127.0.0.1:{port}", process=process, log_path=log_path)
    try:
        _wait_until(server, port, until)
        yield server
    finally:
        exit_code = _stop(process)
    assert exit_code in {0, -signal.SIGKILL}, f"exit code {exit_code}:\n{log_path.read_text()}"


def migrate(url: str, cwd: Path, **env: str) -> None:
    """Run `portunus migrate` on the database at `url`."""
    command("migrate", url=url, cwd=cwd, env=env)


def command(*arguments: str, url: str, cwd: Path, env: Mapping[str, str]) -> None:
    """Run `portunus` with the database at `url`."""
    subprocess.run([PORTUNUS, *arguments], cwd=cwd, env=environment(url, env), check=True, capture_output=True, timeout=60)


def environment(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """Ours without its own PORTUNUS_* variables, so that no setting leaks in. Nobody is slowed down unless `env` says so."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTUNUS_")}
    return {**inherited, "PORTUNUS_ENV": "development", "PORTUNUS_DATABASE_URL": url, "PORTUNUS_THROTTLE": "off", **env}


def free_port() -> int:
    """Below those that the kernel gives to connections: it stays free until its server listens, and between two lives of it."""
    while True:
        port = _PORTS[next(_TURN) % len(_PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


# In turn, from anywhere among those that no other worker takes.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_PORTS = range(20_000 + _WORKER, 32_768, _WORKERS)
_TURN = itertools.count(secrets.randbelow(len(_PORTS)))


def _wait_until(server: Server, port: int, path: str) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while not _answers(port, path):
        assert server.process.poll() is None, f"it stopped at once:\n{server.log_path.read_text()}"
        assert time.monotonic() < deadline, f"it is not ready:\n{server.log_path.read_text()}"
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes] | Fork) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
