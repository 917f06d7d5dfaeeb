"""`make purging`: whether a purge of a million sessions changes how long a refresh takes.

In turns: refreshes at half of what a server can do, while it purges, and while it may not, since its lock is held from here.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from pydantic import SecretStr

from adapters.sql.migrate import upgrade
from benchmarks import accounts
from benchmarks.accounts import Rotations
from benchmarks.load import Load
from benchmarks.measured import Unexpected, generated, percentile
from benchmarks.plan import dealt
from benchmarks.setting import FLOOR
from entrypoints.container.root import build
from entrypoints.settings import Settings
from tests.faults.cluster import Cluster, cluster
from tests.server import free_port, launched

_OLD = 1_000_000
_PEOPLE = 2_000
_CONNECTIONS = 16
_ROUNDS = 6
_SECONDS = 10  # of each turn
_MOST_PER_SECOND = 6000
_SECONDS_TO_NOTICE = 2  # that the lock is held, or free: the server looks every second
_MOST = 1.2  # times as long, at the 99th percentile
_MAKE_OLD = (
    "INSERT INTO sessions (id, user_id, generation, counter, secret_digest, created_at, rotated_at, access_until, ended_at,"
    " end_reason) SELECT gen_random_uuid(), u.id, 0, n, sha256(n::text::bytea), now() - interval '90 d',"
    " now() - interval '61 d', now() - interval '61 d', now() - interval '60 d', 'logout'"
    f" FROM generate_series(1, {_OLD}) n, (SELECT id FROM users LIMIT 1) u"
)
_COUNT_OLD = "SELECT count(*) FROM sessions WHERE ended_at < now() - interval '31 d'"


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    postgresql: Cluster
    refreshes: Rotations


@dataclass(slots=True)
class Turns:
    """What came back in all turns of a kind."""

    latencies: list[int] = field(default_factory=list)  # microseconds
    each: list[float] = field(default_factory=list)  # the 99th percentile of each turn, in milliseconds

    def add(self, load: Load) -> None:
        if load.good < load.all or load.lost:
            raise Unexpected(f"answers by status: {load.statuses}; connections lost: {load.lost}")
        self.latencies += load.latencies
        self.each.append(percentile(sorted(load.latencies), 99) / 1000)

    def at(self, percent: float) -> float:
        """In milliseconds."""
        return percentile(sorted(self.latencies), percent) / 1000


async def _measure() -> bool:
    without, purging, removed = Turns(), Turns(), 0
    async with _started() as served:
        async with _not_purging(served):
            _say(f"making {_OLD:,} sessions that were over long ago")
            await _fill(served)
            most = await _refresh(served, _MOST_PER_SECOND * _SECONDS, None)
        per_second = most.good / most.seconds / 2
        for turn in range(1, _ROUNDS + 1):
            async with _not_purging(served):
                without.add(await _refresh(served, int(per_second * _SECONDS), per_second))
            await asyncio.sleep(_SECONDS_TO_NOTICE)
            before = await _old(served)
            purging.add(await _refresh(served, int(per_second * _SECONDS), per_second))
            left = await _old(served)
            if not left:
                raise Unexpected("nothing is left to purge: a part of this turn was without")
            removed += before - left
            _say(f"round {turn} of {_ROUNDS}: p99 {without.each[-1]:.1f} ms without, {purging.each[-1]:.1f} ms with a purge")
    print(f"{per_second:.0f} refreshes a second, half of what a process can do; {removed:,} sessions removed meanwhile\n")
    print("| | p50 | p90 | p99 | p99 of each turn |\n| --- | --- | --- | --- | --- |")
    for kind, turns in (("without a purge", without), ("while it purges", purging)):
        each = ", ".join(f"{one:.1f}" for one in turns.each)
        print(f"| {kind} | {turns.at(50):.1f} ms | {turns.at(90):.1f} ms | {turns.at(99):.1f} ms | {each} |")
    return purging.at(99) <= _MOST * without.at(99)


@asynccontextmanager
async def _started() -> AsyncIterator[Served]:
    with cluster() as postgresql, TemporaryDirectory(prefix="portunus-purge-") as folder:
        postgresql.create()
        postgresql.start()
        await postgresql.create_database()
        await upgrade(postgresql.url)
        secret, port = secrets.token_hex(32), free_port()
        settings = Settings(
            _env_file=None, env="development", database_url=SecretStr(postgresql.url), secret_key=SecretStr(secret)
        )
        portunus = build(settings)
        people = accounts.new_accounts(portunus, number=_PEOPLE)
        await accounts.store(people, postgresql.url, cost=FLOOR)
        env = {"PORTUNUS_SECRET_KEY": secret, "PORTUNUS_PURGE_EVERY": "PT1S"}
        with launched(postgresql.url, Path(folder), port=port, until="/health/ready", env=env):
            yield Served(port, postgresql, Rotations(people, portunus))


async def _refresh(served: Served, number: int, per_second: float | None) -> Load:
    plan = dealt(served.port, served.refreshes.take(number), connections=_CONNECTIONS)
    load = await asyncio.to_thread(generated, replace(plan, per_second=per_second), _SECONDS)
    served.refreshes.give_back(plan.unsent(load.sent))
    return load


async def _fill(served: Served) -> None:
    connection = await asyncpg.connect(served.postgresql.url)
    await connection.execute(_MAKE_OLD)
    await connection.execute("VACUUM ANALYZE sessions")
    await connection.execute("CHECKPOINT")
    await connection.close()


@asynccontextmanager
async def _not_purging(served: Served) -> AsyncIterator[None]:
    """As if another process were at it."""
    holding = await asyncpg.connect(served.postgresql.url)
    await holding.execute("SELECT pg_advisory_lock(hashtextextended('portunus/purge', 0))")
    await asyncio.sleep(_SECONDS_TO_NOTICE)
    try:
        yield
    finally:
        await holding.close()


async def _old(served: Served) -> int:
    return int((await served.postgresql.execute(_COUNT_OLD))[0][0])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(_measure()) else 1)
