"""A full run as documents: its tables between two marks of a text."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import plots, table
from benchmarks.capacity_model import demand
from benchmarks.growth import Grown
from benchmarks.measured import Measured
from benchmarks.query_plans import QueryPlan
from benchmarks.standing import Standing
from benchmarks.table import Gate, Rounds, figure

BEGIN, END = "<!-- made by make bench -->", "<!-- /made by make bench -->"

# What a peer is asked, and the operation of ours that is the same.
_ACTS = {
    "caller": "GET /users/me",
    "refresh": "POST /refresh",
    "log-in, equal hash": "POST /token",
    "log-in, its default": "POST /token",
    "sign-up, equal hash": "POST /signup",
    "sign-up, its default": "POST /signup",
}
# What users ask for, in the capacity model, and the operation that it is.
_DEMANDED = {"me": "GET /users/me", "refresh": "POST /refresh", "log-in": "POST /token", "sign-up": "POST /signup"}
_BUSY = 0.5  # of the cores: answers are quick, and a burst finds room


def put(path: Path, made: str) -> None:
    """Between the marks, instead of what was there."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no marks to write between")
    path.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}")


def images(folder: Path = Path()) -> list[str]:
    """What shows the plots in a text that stands beside `folder`."""
    return [f"![{shows}]({folder / name})" for name, shows in plots.SHOWN.items()]


def gates_met(rounds: Rounds, gates: Sequence[Gate]) -> str:
    return f"{sum(gate.is_met(rounds) for gate in gates)} of {len(gates)} gates are met."


def generator(measured: Mapping[str, Measured]) -> str:
    """Whether it is what limits: the share of its process's time that each rate takes of it."""
    busy = {
        name: one.load_cpu * one.per_second / 1e6
        for name, one in measured.items()
        if one.load_cpu is not None and one.per_second is not None
    }
    if not busy:
        return ""
    most = max(busy, key=lambda name: busy[name])
    return f"The load generator is one process; what it was busiest with is {most}, for {busy[most]:.0%} of the time."


def of_users(measured: Mapping[str, Measured], peers: Sequence[str], *, cores: int) -> str:
    """How many users the machine serves while it is half busy, its database with it; of peers by what callers alone cost."""

    def served(costs: Mapping[str, Measured]) -> str:
        each = sum(rate * _sum(costs[name]) for name, rate in demand(1).items() if name in costs) / 1e6
        return f"{_roughly(cores * _BUSY / each):,}"

    ours = {name: measured[operation] for name, operation in _DEMANDED.items()}
    others = [f"{peer}: {served({'me': one})}" for peer in peers if (one := measured[f"{peer}: caller"]).cpu]
    callers = [f"Portunus: {served({'me': ours['me']})}", *others]
    return (
        f"With half of its cores this machine serves some {served(ours)} users, if at the busiest one in ten is active, asks"
        " for `/users/me` once a minute and refreshes every quarter of an hour, and each logs in once in 30 days, three times"
        f" as often at the busiest. By what callers alone cost, {'; '.join(callers)}."
    )


def of_growth(grown: Sequence[Grown]) -> str:
    """Each operation's cost, of server and database, and what that is of its cost with the fewest users."""
    rows = []
    for one in grown:
        for name, measured in one.operations.items():
            first = grown[0].operations[name]
            of_first = _divided(_sum(measured), _sum(first))
            rows.append((f"{one.users:,}", name, figure(measured.cpu), figure(measured.database_cpu), of_first))
    headings = ("users and sessions", "operation", "CPU µs", "database µs", f"of that with {grown[0].users:,}")
    return table.markdown(headings, rows)


def of_peers(measured: Mapping[str, Measured], peers: Sequence[str]) -> str:
    """What a peer's server spends on the same, as a multiple of what Portunus's does."""
    rows = []
    for act, own in _ACTS.items():
        ours, cells = measured.get(own, Measured()), []
        for peer in peers:
            one = measured.get(f"{peer}: {act}", Measured())
            times = f", {one.cpu / ours.cpu:.1f} times" if one.cpu and ours.cpu else ""
            cells.append(f"{figure(one.cpu)}{times}" if one.cpu else one.note)
        rows.append((act, figure(ours.cpu), *cells))
    return table.markdown(("server's CPU µs", "Portunus, PostgreSQL", *peers), rows)


def of_scans(grown: Sequence[Grown]) -> str:
    names = sorted({name for one in grown for name in one.scans})
    rows = [(f"`{name}`", *(f"{one.scans.get(name, 0):,}" for one in grown)) for name in names]
    return table.markdown(("scans", *(f"{one.users:,} users" for one in grown)), rows)


def of_plans(grown: Sequence[Grown]) -> str:
    """Statement by statement: its indexes with the most users, and the rows it read with each number of them; with what indexes
    it went by then, where that differed."""
    rows = []
    for each in zip(*(one.plans for one in grown), strict=True):
        most = each[-1]
        indexes = ", ".join(f"`{index}`" for index in most.indexes)
        rows.append((most.operation, most.does, indexes, *(_rows_read(plan, most) for plan in each)))
    return table.markdown(("operation", "statement", "by", *(f"rows read, {one.users:,} users" for one in grown)), rows)


def _rows_read(plan: QueryPlan, usual: QueryPlan) -> str:
    otherwise = [f"by `{index}`" for index in plan.indexes if index not in usual.indexes]
    otherwise += [f"all of `{name}`" for name in plan.whole]
    return ", ".join([f"{plan.rows:,}", *otherwise])


def of_standing(one: Standing) -> str:
    rows = [
        ("from the command until it is ready", f"{one.seconds_to_start:.2f} s"),
        ("memory of a process, ready", f"{one.idle:.0f} MiB"),
        ("the same after callers", f"{one.after_callers:.0f} MiB"),
        ("the same after log-ins too", f"{one.after_log_ins:.0f} MiB"),
        (f"its environment on disk, {one.packages} packages", f"{one.environment:.0f} MiB"),
    ]
    return table.markdown(("what a process of `portunus serve` takes", ""), rows)


def _sum(one: Measured) -> float:
    return (one.cpu or 0) + (one.database_cpu or 0)


def _roughly(number: float) -> int:
    """To two digits."""
    return int(round(number, 1 - math.floor(math.log10(number))))


def _divided(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other else ""
