"""Everything that is measured, started: one PostgreSQL that flushes each commit, and the servers."""

import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from adapters.sql.migrate import upgrade
from benchmarks import raw
from benchmarks.accounts import Account, seed
from entrypoints.container.root import Portunus, build, store_of
from entrypoints.settings import Settings
from tests.faults.cluster import Cluster, cluster
from tests.server import free_port, launched

USERS = 10_000

# As operators set them. Throttling is on, and counts each hit, but lets the load through: its limits are for fewer.
LIMITS = {
    "PORTUNUS_LIMIT_LOG_IN": "1000000/1s/address",
    "PORTUNUS_LIMIT_LOG_INS_OF_ALL": "1000000/1s/process",
    "PORTUNUS_LIMIT_SIGN_UP": "1000000/1s/address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server's port and process; and, of Portunus, the same wiring in this process, to sign what its clients send."""

    port: int
    pid: int
    portunus: Portunus
    accounts: Sequence[Account]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    postgresql: Cluster
    pgbench_url: str
    portunus: Served
    framework: Served
    bare: Served


@asynccontextmanager
async def started() -> AsyncIterator[Setting]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="portunus-bench-")))
        postgresql = stack.enter_context(cluster())
        postgresql.create()
        postgresql.start()
        await postgresql.create_database()
        of_pgbench = postgresql.at("pgbench")
        await of_pgbench.create_database()
        raw.pgbench_set_up(of_pgbench.url)
        await upgrade(postgresql.url)
        secret = secrets.token_hex(32)
        issuer = "https://auth.example.org"
        settings = Settings(
            _env_file=None,
            database_url=SecretStr(postgresql.url),
            secret_key=SecretStr(secret),
            issuer=issuer,
            audience=issuer,
        )
        settings.require_safe()
        env = {
            "PORTUNUS_ENV": "production",
            "PORTUNUS_SECRET_KEY": secret,
            "PORTUNUS_ISSUER": issuer,
            "PORTUNUS_THROTTLE": "on",
            **LIMITS,
        }
        portunus = build(settings)

        def served(app: str, until: str, accounts: Sequence[Account] = ()) -> Served:
            port, command = free_port(), [sys.executable, "-m", "benchmarks.serve"]
            variables = {**env, "BENCHMARK_APP": app}
            server = launched(postgresql.url, folder, port=port, until=until, env=variables, command=command)
            pid = stack.enter_context(server).process.pid
            return Served(port=port, pid=pid, portunus=portunus, accounts=accounts)

        accounts = await seed(postgresql.url, portunus, number=USERS)
        try:
            yield Setting(
                postgresql=postgresql,
                pgbench_url=of_pgbench.url,
                portunus=served("portunus", "/health/ready", accounts),
                framework=served("framework", "/hello"),
                bare=served("bare", "/"),
            )
        finally:
            await store_of(portunus).close()
