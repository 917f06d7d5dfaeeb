"""`make capacity`, which writes docs/scaling.md's tables.

What one, two and four processes serve, directly and through PgBouncer; what users take in storage; and whether a model that is
fitted on single operations predicts mixes which it has not seen.
"""

import argparse
import asyncio
import math
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from adapters.sql.migrate import upgrade
from benchmarks import accounts, population, raw, record
from benchmarks.capacity_model import AUDIT_ENTRIES_OF_A_YEAR, SESSIONS_OF_A_USER, Model, Run, demand, typical
from benchmarks.capacity_tables import told
from benchmarks.measured import Measured, generated
from benchmarks.plan import Plan, dealt, drawn
from benchmarks.portunus import CONNECTIONS, Asked, log_ins
from benchmarks.process_tree import connections, cpu_seconds
from benchmarks.setting import FLOOR, ServedPortunus, Setting, setting
from tests.pooler import PGBOUNCER, pooling

_RESULT = Path("docs/performance/capacity.json")
_DOCUMENT = Path("docs/scaling.md")
_MIXED = {"me": 0.70, "refresh": 0.20, "log-in": 0.08, "sign-up": 0.02}
_COUNTS = (10_000, 100_000)
_USERS = (10**5, 10**7, 10**9)
_ROOM = 2  # times what is busy: at half their load answers are quick, and a machine may fail
_FEWEST_PROCESSES = 2
_CONNECTIONS_OF_A_PROCESS = 10  # PORTUNUS_DATABASE_POOL_SIZE, unless it is set
_ROTATIONS = 15_000  # good once each: so many are made for each run
_SECONDS_OF_WARMING_UP = 0.3
_UNSEEN = 4  # processes: runs of so many are predicted, not fitted on
_HAS_POOLER = Path(PGBOUNCER).exists()
_CORES = os.cpu_count() or 1
_TABLES = {
    "user": ("users", "attempts"),
    "session": ("sessions",),
    "audit entry": ("audit_entries", "audit_details"),
}


@dataclass(frozen=True, slots=True)
class Asks:
    shares: Mapping[str, float]
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    run: Run
    measured: Measured
    connections: int  # to PostgreSQL: of the server's processes, or of PgBouncer
    pooler: float | None = None  # microseconds of PgBouncer's CPU for each request


async def _observe(
    started: Setting,
    served: ServedPortunus,
    asks: Asks,
    seconds: float,
    act: Callable[[float], Awaitable[Measured]],
    *,
    pooler: int | None = None,
) -> Seen:
    others, began = _others(served.pid, started), time.monotonic()
    measured = await act(seconds)
    left = _CORES - (_others(served.pid, started) - others) / (time.monotonic() - began)
    run = Run(
        shares=asks.shares,
        workers=asks.workers,
        cores=left,
        per_second=measured.per_second or 0,
        server=measured.cpu or 0,
        database=measured.database_cpu or 0,
        load=measured.load_cpu or 0,
    )
    return Seen(run=run, measured=measured, connections=connections(pooler or served.pid, started.postgresql.port))


def _others(server: int, started: Setting) -> float:
    """Seconds that the cores were busy with other than this: the server, the database, this process and what it waited for."""
    spent = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    busy = (sum(spent) - spent[3] - spent[4]) / os.sysconf("SC_CLK_TCK")
    own = os.times()
    ours = own.user + own.system + own.children_user + own.children_system
    return busy - ours - cpu_seconds(server) - cpu_seconds(started.postgresql.postmaster())


async def _measure(rounds: int, seconds: float) -> dict[str, Any]:
    machine = record.this_machine()
    async with setting() as started:
        each = {workers: Asked(setting=started, workers=workers) for workers in (1, 2, 4)}
        found: dict[str, list[Seen]] = {}
        for workers, asked in each.items():
            _say(f"starting {workers}")
            await asked.show_each_token()
            await asked.log_in(_SECONDS_OF_WARMING_UP)
            await asked.refresh(_SECONDS_OF_WARMING_UP)
        hashes = []
        for turn in range(1, rounds + 1):
            hashes.append(raw.argon2_verify(FLOOR, seconds).cpu or 0)
            for workers, asked in each.items():
                for name, shares, act in _acts(asked):
                    seen = await _observe(started, await asked.served(), Asks(shares, workers), seconds, act)
                    found.setdefault(f"{name}, {workers} process{'es' if workers > 1 else ''}", []).append(seen)
                    ours = f"{seen.run.cores:.2f} cores were ours"
                    _say(f"round {turn} of {rounds}: {name}, {workers}: {seen.run.per_second:,.0f}/s, {ours}")
        pooled = await _through_a_pooler(started, each[2], rounds, seconds) if _HAS_POOLER else {}
        sizes = await _sizes(started)
    return _judged(found | pooled, statistics.median(hashes), sizes, machine)


def _acts(asked: Asked) -> list[tuple[str, Mapping[str, float], Callable[[float], Awaitable[Measured]]]]:
    return [
        ("me", {"me": 1}, asked.me),
        ("refresh", {"refresh": 1}, asked.refresh),
        ("log-in", {"log-in": 1}, asked.log_in),
        ("sign-up", {"sign-up": 1}, asked.sign_up),
        ("mixed", _MIXED, asked.mixed),
    ]


async def _through_a_pooler(started: Setting, direct: Asked, rounds: int, seconds: float) -> dict[str, list[Seen]]:
    storage = (await direct.served()).storage
    found: dict[str, list[Seen]] = {}
    with pooling(make_url(storage.url)) as pooler:
        async with started.fresh(pooler.url.render_as_string(), workers=direct.workers) as fresh:
            behind = ServedPortunus(port=fresh.port, pid=fresh.pid, storage=storage)
            plans: dict[str, Callable[[], Plan]] = {
                "me": lambda: drawn(behind.port, storage.known, connections=CONNECTIONS),
                "refresh": lambda: dealt(behind.port, storage.rotations.take(_ROTATIONS), connections=CONNECTIONS),
                "log-in": lambda: log_ins(behind, CONNECTIONS),
            }
            generated(dealt(behind.port, storage.known, connections=CONNECTIONS), 60)
            for turn in range(1, rounds + 1):
                for name, plan in plans.items():
                    act = partial(_ask, direct, behind, plan())
                    before = cpu_seconds(pooler.pid)
                    seen = await _observe(started, behind, Asks({name: 1}, direct.workers), seconds, act, pooler=pooler.pid)
                    spent = (cpu_seconds(pooler.pid) - before) / (seen.run.per_second * seconds) * 1e6
                    found.setdefault(f"{name}, through PgBouncer", []).append(replace(seen, pooler=spent))
                    _say(f"round {turn} of {rounds}: {name} through PgBouncer: {seen.run.per_second:,.0f}/s")
    return found


async def _ask(asked: Asked, served: ServedPortunus, plan: Plan, seconds: float) -> Measured:
    return asked.measured(served, plan, seconds, may_fail=True, unsent=served.storage.rotations.give_back)


async def _sizes(started: Setting) -> dict[str, dict[str, float]]:
    """Bytes of each row, its indexes included, as many of them as `_COUNTS` says."""
    database = await started.database("sizes")
    await upgrade(database.url)
    hashed, connection = accounts.hash_of_all(FLOOR), await asyncpg.connect(database.url)
    sizes: dict[str, dict[str, float]] = {name: {} for name in _TABLES}
    there = 0
    for count in _COUNTS:
        _say(f"making {count:,} users")
        made = accounts.new_accounts(started.wired(database.url), number=count - there, first=there)
        await population.add(connection, made, hashed=hashed)
        await population.log_in(connection)
        await population.enter(connection, count - there)
        there = count
        for name, tables in _TABLES.items():
            size = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
            sizes[name][f"{count}"] = await connection.fetchval(f"SELECT {size}") / count
    await connection.close()
    return sizes


def _judged(
    found: Mapping[str, Sequence[Seen]], hash: float, sizes: Mapping[str, Mapping[str, float]], machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Fitted on single operations by one process and by two; asked for mixtures, and for what four do."""
    runs = {name: typical([one.run for one in seen]) for name, seen in found.items() if "PgBouncer" not in name}
    single = [run for run in runs.values() if len(run.shares) == 1 and run.workers < _UNSEEN]
    model = Model.fitted(single, hash=hash)
    predictions = {}
    for name, run in runs.items():
        if run not in single:
            predicted = model.predict(run.shares, run.workers, run.cores)
            predictions[name] = {
                "predicted_per_second": predicted.per_second,
                "seen_per_second": run.per_second,
                "error": predicted.error(run),
                "predicted_cost": predicted.cost,
                "seen_cost": run.cost,
                "saturated": predicted.saturated,
            }
    return {
        "machine": dict(machine),
        "model": asdict(model),
        "needs": {f"{users}": _needs(model, users, sizes) for users in _USERS},
        "runs": {name: [asdict(one) for one in seen] for name, seen in found.items()},
        "predictions": predictions,
        "bytes_of_each": sizes,
        "cores_that_were_ours": min(run.cores for run in runs.values()),
    }


def _needs(model: Model, users: int, sizes: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    rates, of = demand(users), {name: list(each.values())[-1] for name, each in sizes.items()}
    service, database = model.cores_for(rates)
    processes = max(math.ceil(_ROOM * service), _FEWEST_PROCESSES)
    stored = of["user"] + SESSIONS_OF_A_USER * of["session"] + AUDIT_ENTRIES_OF_A_YEAR * of["audit entry"]
    return {
        **{f"{name}/s": rates[name] for name in ("me", "refresh", "log-in")},
        "cores of Portunus": service,
        "cores of PostgreSQL": database,
        "processes": processes,
        "connections": processes * _CONNECTIONS_OF_A_PROCESS,
        "GB after a year": users * stored / 1e9,
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--output", type=Path, default=_RESULT)
    given = parser.parse_args()
    judged = asyncio.run(_measure(given.rounds, given.seconds))
    record.write(judged, given.output)
    _DOCUMENT.write_text(told(_DOCUMENT.read_text(), judged))
    _say(f"tables: {_DOCUMENT}; all figures: {given.output}")


if __name__ == "__main__":
    main()
