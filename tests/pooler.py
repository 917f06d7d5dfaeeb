"""PgBouncer before a PostgreSQL server, giving out its connections for a transaction at a time."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from tests.server import free_port

PGBOUNCER = "/usr/sbin/pgbouncer"
_SECONDS_TO_START = 10
# As docs/operating.md has it; but with hundreds of databases no connection to the server may be kept for long.
_INI = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 2000
query_wait_timeout = 4
server_idle_timeout = 1
logfile = {folder}/log
"""


@dataclass(frozen=True, slots=True)
class Pooler:
    url: URL
    pid: int


@contextmanager
def pooling(server: URL, *, size: int = 20, system_user: str | None = None) -> Iterator[Pooler]:
    """With at most `size` connections to each of the server's databases.

    `system_user` is whom root's PgBouncer becomes: it refuses to run as root.
    """
    own = free_port()
    with tempfile.TemporaryDirectory(prefix="portunus-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "users").write_text(f'"{server.username}" ""\n')
        host, port = server.host or server.query.get("host"), server.port or 5432
        (folder / "ini").write_text(_INI.format(host=host, port=port, own=own, folder=folder, size=size))
        become = ["-u", system_user or "nobody"] if os.getuid() == 0 else []
        command = [os.environ.get("PORTUNUS_TEST_POOLER", PGBOUNCER), "-q", *become, str(folder / "ini")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(own, process, folder / "log")
                pooled = server.set(host="127.0.0.1", port=own, query={"pooler": "transaction"})
                yield Pooler(pooled.set(drivername="postgresql", password=None), process.pid)
            finally:
                process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text() if log.exists() else "it stopped at once"
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
