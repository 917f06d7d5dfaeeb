"""`make capacity`, which writes docs/scaling.md's tables.

What one, two and four processes serve, directly and through PgBouncer; what users take in storage; and whether a model that is
fitted on single operations predicts mixes which it has not seen.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from benchmarks import accounts, raw, record
from benchmarks.capacity_model import AUDIT_ENTRIES_OF_A_YEAR, SESSIONS_OF_A_USER, Model, Run, demand
from benchmarks.measured import Measured, generated
from benchmarks.plan import Plan, dealt, drawn
from benchmarks.portunus import CONNECTIONS, Asked, log_ins
from benchmarks.process_tree import cpu_seconds
from benchmarks.setting import FLOOR, ServedPortunus, Setting, setting
from tests.pooler import PGBOUNCER, pooling

_RESULT = Path("docs/performance/capacity.json")
_DOCUMENT = Path("docs/scaling.md")
_MIXED = {"me": 0.70, "refresh": 0.20, "log-in": 0.08, "sign-up": 0.02}
_MORE_USERS = 20_000
_ROTATIONS = 15_000  # good once each: so many are made for each run
_SECONDS_OF_WARMING_UP = 0.3
_UNSEEN = 4  # processes: runs of so many are predicted, not fitted on
_HAS_POOLER = Path(PGBOUNCER).exists()
_CORES = os.cpu_count() or 1
_TABLES = {
    "user": ("users",),
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
    connections: int  # to PostgreSQL, afterwards
    pooler: float | None = None  # microseconds of PgBouncer's CPU for each request


async def _observe(
    started: Setting, served: ServedPortunus, asks: Asks, seconds: float, act: Callable[[float], Awaitable[Measured]]
) -> Seen:
    others, began = _others(served.pid, started), time.monotonic()
    measured = await act(seconds)
    left = _CORES - (_others(served.pid, started) - others) / (time.monotonic() - began)
    database = served.storage.url.rpartition("/")[2]
    [row] = await started.postgresql.at("postgres").execute(
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"
    )
    run = Run(
        shares=asks.shares,
        workers=asks.workers,
        cores=left,
        per_second=measured.per_second or 0,
        server=measured.cpu or 0,
        database=measured.database_cpu or 0,
        load=measured.load_cpu or 0,
    )
    return Seen(run=run, measured=measured, connections=row["count"])


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
        for turn in range(1, rounds + 1):
            for workers, asked in each.items():
                for name, shares, act in _acts(asked):
                    seen = await _observe(started, await asked.served(), Asks(shares, workers), seconds, act)
                    found.setdefault(f"{name}, {workers} process{'es' if workers > 1 else ''}", []).append(seen)
                    ours = f"{seen.run.cores:.2f} cores were ours"
                    _say(f"round {turn} of {rounds}: {name}, {workers}: {seen.run.per_second:,.0f}/s, {ours}")
        hashes = raw.argon2_verify(FLOOR, seconds)
        pooled = await _through_a_pooler(started, each[2], rounds, seconds) if _HAS_POOLER else {}
        sizes = await _sizes(started, each[1])
    return _judged(found | pooled, hashes.cpu or 0, sizes, machine)


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
                    seen = await _observe(started, behind, Asks({name: 1}, direct.workers), seconds, act)
                    spent = (cpu_seconds(pooler.pid) - before) / (seen.run.per_second * seconds) * 1e6
                    found.setdefault(f"{name}, through PgBouncer", []).append(replace(seen, pooler=spent))
                    _say(f"round {turn} of {rounds}: {name} through PgBouncer: {seen.run.per_second:,.0f}/s")
    return found


async def _ask(asked: Asked, served: ServedPortunus, plan: Plan, seconds: float) -> Measured:
    return asked.measured(served, plan, seconds, may_fail=True, unsent=served.storage.rotations.give_back)


async def _sizes(started: Setting, asked: Asked) -> dict[str, dict[str, float]]:
    """Bytes of each row, its indexes included, at two counts: as 10 000 users are there, and with 20 000 more."""
    served = await asked.served()
    database = started.postgresql.at(served.storage.url.rpartition("/")[2])
    sizes: dict[str, dict[str, float]] = {}
    for more in (_MORE_USERS, 0):
        for name, tables in _TABLES.items():
            size = " + ".join(f"pg_total_relation_size('{table}')" for table in tables)
            [row] = await database.execute(f"SELECT {size} AS size, count(*) AS count FROM {tables[0]}")
            sizes.setdefault(name, {})[f"{row['count']}"] = row["size"] / max(row["count"], 1)
        added = accounts.new_accounts(served.storage.portunus, number=more, first=len(served.storage.accounts))
        if added:
            await accounts.store(added, served.storage.url, cost=FLOOR)
    return sizes


def _judged(
    found: Mapping[str, Sequence[Seen]], hash: float, sizes: Mapping[str, Mapping[str, float]], machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Fitted on single operations by one process and by two; asked for mixtures, and for what four do."""
    direct = {name: seen for name, seen in found.items() if "PgBouncer" not in name}
    single = [one.run for seen in direct.values() for one in seen if len(one.run.shares) == 1 and one.run.workers < _UNSEEN]
    model = Model.fitted(single, hash=hash)
    asked = {
        name: [one.run for one in seen]
        for name, seen in direct.items()
        if not set(map(id, _runs(seen))) <= set(map(id, single))
    }
    predictions = {}
    for name, runs in asked.items():
        each = [(run, model.predict(run.shares, workers=run.workers, cores=run.cores)) for run in runs]
        predictions[name] = {
            "predicted_per_second": statistics.median(made.per_second for _, made in each),
            "seen_per_second": statistics.median(run.per_second for run, _ in each),
            "error": statistics.median(made.error(run) for run, made in each),
            "predicted_cpu": each[0][1].server,
            "seen_cpu": statistics.median(run.server for run, _ in each),
            "saturated": each[0][1].saturated,
        }
    return {
        "machine": dict(machine),
        "model": asdict(model),
        "runs": {name: [asdict(one) for one in seen] for name, seen in found.items()},
        "predictions": predictions,
        "bytes_of_each": sizes,
    }


def _runs(seen: Sequence[Seen]) -> list[Run]:
    return [one.run for one in seen]


def _runs_table(judged: Mapping[str, Any]) -> list[str]:
    heads = "Run | requests/s | p50 ms | p99 ms | server µs | database µs | connections | cores that were ours"
    lines = [f"| {heads} |", "| --- " * 8 + "|"]
    for name, seen in judged["runs"].items():
        figures = [
            statistics.median(one["run"]["per_second"] for one in seen),
            *(
                statistics.median(one["measured"][figure] or 0 for one in seen)
                for figure in ("p50", "p99", "cpu", "database_cpu")
            ),
            max(one["connections"] for one in seen),
        ]
        ours = statistics.median(one["run"]["cores"] for one in seen)
        lines.append(f"| {name} | " + " | ".join(f"{figure:,.0f}" for figure in figures) + f" | {ours:.2f} |")
    pooler = {name: one[0]["pooler"] for name, one in judged["runs"].items() if one[0]["pooler"]}
    if pooler:
        spent = ", ".join(f"{name.partition(',')[0]} {figure:,.0f} µs" for name, figure in pooler.items())
        lines += ["", f"PgBouncer itself takes, for each request: {spent}."]
    return lines


def _predictions_table(judged: Mapping[str, Any]) -> list[str]:
    heads = "Not fitted on | predicted/s | seen/s | off by | predicted server µs | seen | exhausted first"
    lines = [f"| {heads} |", "| --- " * 7 + "|"]
    for name, one in judged["predictions"].items():
        lines.append(
            f"| {name} | {one['predicted_per_second']:,.0f} | {one['seen_per_second']:,.0f} | {one['error']:+.0%}"
            f" | {one['predicted_cpu']:,.0f} | {one['seen_cpu']:,.0f} | {one['saturated']} |"
        )
    return lines


def _sizes_table(judged: Mapping[str, Any]) -> list[str]:
    return [
        "| One | bytes, with its indexes, at so many |",
        "| --- | --- |",
        *(
            f"| {name} | " + "; ".join(f"{size:,.0f} at {int(count):,}" for count, size in each.items()) + " |"
            for name, each in judged["bytes_of_each"].items()
        ),
    ]


def _needs_table(judged: Mapping[str, Any]) -> list[str]:
    model, sizes = Model(**judged["model"]), judged["bytes_of_each"]
    of = {name: list(each.values())[-1] for name, each in sizes.items()}
    stored = of["user"] + SESSIONS_OF_A_USER * of["session"] + AUDIT_ENTRIES_OF_A_YEAR * of["audit entry"]
    lines = [
        "| Users | me/s | refresh/s | log-in/s | cores of Portunus | cores of PostgreSQL | GB after a year |",
        "| --- " * 7 + "|",
    ]
    for users in (1e5, 1e7, 1e9):
        rates = demand(users)
        figures = [*(rates[name] for name in ("me", "refresh", "log-in")), *model.cores_for(rates), users * stored / 1e9]
        lines.append(
            f"| {users:,.0f} | "
            + " | ".join(f"{figure:,.2g}" if figure < 10 else f"{figure:,.0f}" for figure in figures)
            + " |"
        )
    return lines


def _told(judged: Mapping[str, Any]) -> str:
    """The document, with the tables of this run between its markers."""
    text = _DOCUMENT.read_text()
    made = {"runs": _runs_table, "predictions": _predictions_table, "sizes": _sizes_table, "needs": _needs_table}
    for name, table in made.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(table(judged)) + "\n" + end + rest.partition(end)[2]
    return text


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--output", type=Path, default=_RESULT)
    given = parser.parse_args()
    judged = asyncio.run(_measure(given.rounds, given.seconds))
    record.write(judged, given.output)
    _DOCUMENT.write_text(_told(judged))
    _say(f"tables: {_DOCUMENT}; all figures: {given.output}")


if __name__ == "__main__":
    main()
