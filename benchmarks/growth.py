"""What operations cost with more and more users and sessions, by which indexes their rows are found, and how many are read."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import asyncpg

from adapters.sql.migrate import upgrade
from application.keys.prepare_signing_key import PrepareSigningKey
from benchmarks import accounts, population
from benchmarks.accounts import Account, Rotations
from benchmarks.measured import Measured, generated, under_load
from benchmarks.plan import Plan, dealt, drawn
from benchmarks.portunus import CONNECTIONS
from benchmarks.query_plans import MOST_ASKED_AT_ONCE, QueryPlan, query_plans
from benchmarks.setting import FLOOR, Served, Setting
from entrypoints.container.root import Portunus, use_cases_of
from tests.faults.cluster import Cluster

SIZES = (1_000, 10_000, 100_000, 1_000_000)
_SAMPLE = 5_000  # of them, drawn at random, are those who ask
_AT_ONCE = 20_000
_MOST_PER_SECOND = 5000
_SECONDS_TO_SHOW_EACH_TOKEN = 60
_SCANS = """
    SELECT indexrelname AS name, idx_scan AS scans FROM pg_stat_user_indexes WHERE relname IN ('users', 'sessions')
    UNION ALL
    SELECT relname || ', from end to end', seq_scan FROM pg_stat_user_tables WHERE relname IN ('users', 'sessions')
    ORDER BY 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """`plans` are those of each statement, before anything was measured. `scans` has how often each index of users and sessions
    was asked meanwhile, and each of the two read from end to end."""

    users: int
    operations: Mapping[str, Measured]
    plans: Sequence[QueryPlan] = ()
    scans: Mapping[str, int]


@final
@dataclass(slots=True)
class _Population:
    database: Cluster
    portunus: Portunus
    size: int = 0
    sample: list[Account] = field(default_factory=list)

    async def grow(self, size: int) -> Sequence[Account]:
        """The sample stays one of all: of the old ones as many leave it as new ones come. Some of the new are in no sample."""
        hashed, chance, new = accounts.hash_of_all(FLOOR), secrets.SystemRandom(), list[Account]()
        connection = await asyncpg.connect(self.database.url)
        while self.size < size:
            number = min(size - self.size, _AT_ONCE)
            made = accounts.new_accounts(self.portunus, number=number, first=self.size)
            await population.add(connection, made, hashed=hashed)
            self.size += number
            new += chance.sample(made, min(number, max(_SAMPLE * number // size, 1)))
        apart = [new.pop() for _ in range(MOST_ASKED_AT_ONCE + 1)]
        self.sample = chance.sample(self.sample, max(min(len(self.sample), _SAMPLE - len(new)), 0)) + new
        await population.surround(connection)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        return apart

    async def rotations(self) -> Rotations:
        rotated = await self.database.execute("SELECT id, counter FROM sessions WHERE counter > 0")  # at smaller sizes
        return Rotations(self.sample, self.portunus, counters={row["id"]: row["counter"] for row in rotated})


async def grown(setting: Setting, sizes: Sequence[int], seconds: float, say: Callable[[str], None]) -> list[Grown]:
    database = await setting.database("grown")
    await upgrade(database.url)
    portunus = setting.wired(database.url)
    await use_cases_of(portunus)[PrepareSigningKey]()
    crowd, found = _Population(database, portunus), []
    for size in sizes:
        alone, *others = await crowd.grow(size)
        say(f"{size:,} users and sessions are there")
        plans = await query_plans(setting.wired(database.url), database.url, alone, others=others)
        rotations = await crowd.rotations()
        await database.execute("SELECT pg_stat_reset()")  # so that scans are those of what is measured
        async with setting.fresh(database.url) as served:
            operations = await _operations(setting, crowd, rotations, served, seconds)
        # What the server's connections have counted is there once they have ended.
        rows = await database.execute(_SCANS)
        scans = {row["name"]: row["scans"] for row in rows}
        found.append(Grown(users=size, operations=operations, plans=plans, scans=scans))
        for name, measured in operations.items():
            say(f"{size:,} users: {name}: {measured.cpu or 0:,.0f} µs, and {measured.database_cpu or 0:,.0f} of the database")
    return found


async def _operations(
    setting: Setting, crowd: _Population, rotations: Rotations, served: Served, seconds: float
) -> Mapping[str, Measured]:
    known = await accounts.me(crowd.sample, crowd.portunus)
    generated(dealt(served.port, known, connections=CONNECTIONS), _SECONDS_TO_SHOW_EACH_TOKEN)
    pool = rotations.take(int(seconds * _MOST_PER_SECOND))
    log_ins = [accounts.log_in(account) for account in crowd.sample]

    def measured(plan: Plan, *, may_fail: bool = False) -> Measured:
        database = setting.postgresql.postmaster()
        return under_load(plan, seconds=seconds, server=served.pid, database=database, may_fail=may_fail)

    return {
        "GET /users/me": measured(drawn(served.port, known, connections=CONNECTIONS)),
        "POST /refresh": measured(dealt(served.port, pool, connections=CONNECTIONS)),
        "POST /token": measured(drawn(served.port, log_ins, connections=CONNECTIONS), may_fail=True),
    }
