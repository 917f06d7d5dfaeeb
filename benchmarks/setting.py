"""Everything that is measured, started when it is first asked for: one PostgreSQL that flushes each commit, and the servers."""

import pickle
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, final

from pydantic import SecretStr

from adapters.sql.migrate import upgrade
from application.keys.prepare_signing_key import PrepareSigningKey
from benchmarks import accounts, raw
from benchmarks.accounts import LIFETIME, Account, Rotations
from benchmarks.peers import Argon2, Peer, ServedPeer
from entrypoints.container.root import Portunus, build, store_of, use_cases_of
from entrypoints.settings import Settings
from tests.faults.cluster import Cluster, cluster
from tests.server import PORTUNUS, Server, free_port, launched

USERS = 10_000
ENVIRONMENTS = Path(".venv/peers")
FLOOR = Argon2(memory=19456, time=2)
STRONG = Argon2(memory=65536, time=3)

# As operators set them. Throttling is on, and counts each hit, but lets the load through: its limits are for fewer.
# Access tokens live for an hour, not a quarter of one, since a full run takes longer than that.
ENVIRONMENT = {
    "PORTUNUS_ISSUER": "https://auth.example.org",
    "PORTUNUS_THROTTLE": "on",
    "PORTUNUS_LIMIT_LOG_IN": "1000000/1s/address",
    "PORTUNUS_LIMIT_LOG_INS_OF_ALL": "1000000/1s/process",
    "PORTUNUS_LIMIT_SIGN_UP": "1000000/1s/address",
    "PORTUNUS_ACCESS_TOKEN_LIFETIME": str(int(LIFETIME.total_seconds())),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What there is once for each database: its users, and the product's own wiring in this process, to sign what they send."""

    url: str
    portunus: Portunus
    accounts: Sequence[Account]
    rotations: Rotations
    known: Sequence[bytes]  # `GET /users/me` of each user, with a token that stays the same

    @property
    def is_postgresql(self) -> bool:
        return self.url.startswith("postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    port: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPortunus(Served):
    storage: Storage


@final
class Setting:
    def __init__(self, stack: AsyncExitStack, folder: Path, postgresql: Cluster) -> None:
        self.postgresql = postgresql
        self._stack = stack
        self._folder = folder
        self._secret = secrets.token_hex(32)
        self._storages: dict[tuple[str, Argon2], Storage] = {}
        self._served: dict[tuple[str, Argon2, int], ServedPortunus] = {}
        self._apps: dict[str, Served] = {}
        self._peers: dict[tuple[str, Argon2 | None], ServedPeer] = {}
        self._pgbench_url = ""

    async def portunus(self, storage: str = "postgresql", cost: Argon2 = FLOOR, workers: int = 1) -> ServedPortunus:
        key = (storage, cost, workers)
        if key not in self._served:
            self._served[key] = await (self._in_memory() if storage == "memory" else self._on_database(storage, cost, workers))
        return self._served[key]

    async def app(self, name: str) -> Served:
        """One of `benchmarks.apps` that needs no storage."""
        if name not in self._apps:
            port, server = self._launch(name, "memory://", until="/hello")
            self._apps[name] = Served(port=port, pid=server.process.pid)
        return self._apps[name]

    async def peer(self, peer: Peer, hashing: Argon2 | None) -> ServedPeer:
        """Raises `PeerMissing`."""
        key = (peer.name, hashing)
        if key not in self._peers:
            folder = (ENVIRONMENTS / peer.name.split()[0]).absolute()
            peer.set_up(folder)
            database = await self.database(f"peer{len(self._peers)}")
            serving = peer.serving(folder, database_url=database.url, users=USERS, hashing=hashing)
            self._peers[key] = self._stack.enter_context(serving)
        return self._peers[key]

    async def pgbench_url(self) -> str:
        if not self._pgbench_url:
            self._pgbench_url = (await self.database("pgbench")).url
            raw.pgbench_set_up(self._pgbench_url)
        return self._pgbench_url

    async def database(self, name: str) -> Cluster:
        made = self.postgresql.at(name)
        await made.create_database()
        return made

    def wired(self, url: str) -> Portunus:
        """The product's wiring with the servers' secret, on the same database."""
        issuer = ENVIRONMENT["PORTUNUS_ISSUER"]
        settings = Settings(
            _env_file=None,
            env=_mode(url),
            database_url=SecretStr(url),
            secret_key=SecretStr(self._secret),
            issuer=issuer,
            audience=issuer,
            access_token_lifetime=LIFETIME,
        )
        settings.require_safe()
        portunus = build(settings)
        self._stack.push_async_callback(store_of(portunus).close)
        return portunus

    @asynccontextmanager
    async def fresh(self, url: str, *, workers: int = 1) -> AsyncIterator[Served]:
        """The product itself on the database at `url`, which has not served anybody; stopped at the end."""
        env = {**ENVIRONMENT, "PORTUNUS_SECRET_KEY": self._secret, "PORTUNUS_ENV": _mode(url)}
        port = free_port()
        command: list[str | Path] = [PORTUNUS, "serve", "--workers", str(workers)]
        with launched(url, self._folder, port=port, until="/health/ready", env=env, command=command) as server:
            yield Served(port=port, pid=server.process.pid)

    async def _on_database(self, storage: str, cost: Argon2, workers: int) -> ServedPortunus:
        key = (storage, cost)
        if key not in self._storages:
            self._storages[key] = await self._seeded(storage, cost)
        variables = {"PORTUNUS_ARGON2_MEMORY": str(cost.memory), "PORTUNUS_ARGON2_TIME": str(cost.time)}
        port, server = self._launch("portunus", self._storages[key].url, workers=workers, variables=variables)
        return ServedPortunus(port=port, pid=server.process.pid, storage=self._storages[key])

    async def _seeded(self, storage: str, cost: Argon2) -> Storage:
        if storage == "postgresql":
            url = (await self.database(f"portunus{cost.memory}")).url
        else:
            url = f"sqlite:///{self._folder / 'portunus.db'}"
        await upgrade(url)
        portunus = self.wired(url)
        await use_cases_of(portunus)[PrepareSigningKey]()
        made = accounts.new_accounts(portunus, number=USERS)
        await accounts.store(made, url, cost=cost)
        return Storage(
            url=url,
            portunus=portunus,
            accounts=made,
            rotations=Rotations(made, portunus),
            known=await accounts.me(made, portunus),
        )

    async def _in_memory(self) -> ServedPortunus:
        """Its users come with it, and its keys are its own: the tokens that are used are those it gives for a refresh."""
        portunus = self.wired("memory://")
        made = accounts.new_accounts(portunus, number=USERS)
        path = self._folder / "accounts"
        path.write_bytes(pickle.dumps(accounts.to_be_opened(made, cost=FLOOR)))
        port, server = self._launch("portunus", "memory://", variables={"BENCHMARK_ACCOUNTS": str(path)})
        rotations = Rotations(made, portunus)
        known = [accounts.me_with(token) for token in accounts.access_tokens(port, rotations.take(len(made)))]
        storage = Storage(url="memory://", portunus=portunus, accounts=made, rotations=rotations, known=known)
        return ServedPortunus(port=port, pid=server.process.pid, storage=storage)

    def _launch(
        self,
        app: str,
        url: str,
        *,
        until: str = "/health/ready",
        workers: int = 1,
        variables: Mapping[str, str] | None = None,
    ) -> tuple[int, Server]:
        port, command = free_port(), [sys.executable, "-m", "benchmarks.serve", "--workers", str(workers)]
        env = {
            **ENVIRONMENT,
            "PORTUNUS_SECRET_KEY": self._secret,
            "BENCHMARK_APP": app,
            "PORTUNUS_ENV": _mode(url),
            **(variables or {}),
        }
        server = launched(url, self._folder, port=port, until=until, env=env, command=command)
        return port, self._stack.enter_context(server)


def _mode(url: str) -> Literal["production", "development"]:
    """Memory is refused in production."""
    return "development" if url == "memory://" else "production"


@asynccontextmanager
async def setting() -> AsyncIterator[Setting]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="portunus-bench-")))
        postgresql = stack.enter_context(cluster())
        postgresql.create()
        postgresql.start()
        yield Setting(stack, folder, postgresql)
