"""How many requests some cores serve, by what each operation costs: fitted on single operations, asked for mixes of them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

LIGHT = ("me", "refresh")

# Of users at the busiest: one in ten is active, asks for itself every minute and refreshes every quarter of an hour. Each logs
# in once in 30 days, three times as often at the busiest; one in a hundred is new each month.
_ACTIVE, _MINUTE, _REFRESH, _MONTH, _PEAK, _NEW = 0.1, 60, 900, 30 * 86400, 3, 0.01
# Live on two devices, and the log-ins of the 60 days for which sessions that are over stay stored.
SESSIONS_OF_A_USER = 4
AUDIT_ENTRIES_OF_A_YEAR = 24  # a log-in each month, and the end of its session


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was seen: `shares` of operations in what was asked (they add up to 1), by how many processes, and what came of it.

    Costs are microseconds of CPU for each request: of the server's processes, the database's, and the load generator's, which
    shared the same `cores`. Others left so many of them.
    """

    shares: Mapping[str, float]
    workers: int
    cores: float
    per_second: float
    server: float
    database: float
    load: float

    @property
    def cost(self) -> float:
        return self.server + self.database + self.load


def demand(users: float) -> dict[str, float]:
    """Requests per second, at the busiest, of so many users."""
    active = users * _ACTIVE
    return {
        "me": active / _MINUTE,
        "refresh": active / _REFRESH,
        "log-in": users / _MONTH * _PEAK,
        "sign-up": users * _NEW / _MONTH * _PEAK,
    }


def typical(rounds: Sequence[Run]) -> Run:
    """The median of each figure, over that half of the rounds, at least, in which others took least of the cores."""
    least_disturbed = sorted(rounds, key=lambda run: -run.cores)[: len(rounds) // 2 + 1]

    def median(figure: str) -> float:
        return float(statistics.median(getattr(run, figure) for run in least_disturbed))

    return Run(
        shares=rounds[0].shares,
        workers=rounds[0].workers,
        cores=median("cores"),
        per_second=median("per_second"),
        server=median("server"),
        database=median("database"),
        load=median("load"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    per_second: float
    cost: float
    saturated: str

    def error(self, seen: Run) -> float:
        """By which part of what was seen the rate is off."""
        return self.per_second / seen.per_second - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of each operation, by so many processes. `reached` is which part of what they allow the runs came to: nobody keeps every
    core busy all the time."""

    server: Mapping[str, float]
    database: Mapping[str, float]
    load: Mapping[str, float]
    reached: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Costs add up. Two things may be exhausted first: the cores, or the one thread of each process that does not hash.

    A request costs more where processes share the cores: each of them finds less to do each time it wakes. So `costs` are by
    the number of processes, and more than were fitted cost what the most of them did.
    """

    costs: Mapping[int, Costs]
    hash: float  # of one password, in threads of their own

    @classmethod
    def fitted(cls, runs: Sequence[Run], *, hash: float) -> Self:
        """On one run of each operation by each number of processes."""
        costs = {}
        for workers in {run.workers for run in runs}:
            of = {name: run for run in runs if run.workers == workers for name in run.shares}
            plain = Costs(
                server={name: run.server for name, run in of.items()},
                database={name: run.database for name, run in of.items()},
                load={name: run.load for name, run in of.items()},
            )
            whole = cls(costs={workers: plain}, hash=hash)
            parts = [run.per_second / whole.predict(run.shares, workers, run.cores).per_second for run in of.values()]
            costs[workers] = Costs(
                server=plain.server, database=plain.database, load=plain.load, reached=statistics.median(parts)
            )
        return cls(costs=costs, hash=hash)

    def predict(self, shares: Mapping[str, float], workers: int, cores: float, *, load_elsewhere: bool = False) -> Prediction:
        of = self._costs(workers)
        load = 0 if load_elsewhere else _mean(of.load, shares)
        cost = _mean(of.server, shares) + _mean(of.database, shares) + load
        loop = sum(share * self._in_the_loop(name, of.server[name]) for name, share in shares.items())
        of_cores, of_loops = cores * 1e6 / cost, min(workers, cores) * 1e6 / loop
        return Prediction(
            per_second=min(of_cores, of_loops) * of.reached,
            cost=cost,
            saturated="the cores" if of_cores <= of_loops else "the processes' event loops",
        )

    def cores_for(self, rates: Mapping[str, float]) -> tuple[float, float]:
        """How many cores these requests per second keep busy, by many processes: of Portunus, and of PostgreSQL."""
        of = self._costs(max(self.costs))
        service, database = (sum(rate * each[name] for name, rate in rates.items()) / 1e6 for each in (of.server, of.database))
        return service / of.reached, database / of.reached

    def _costs(self, workers: int) -> Costs:
        return self.costs[max((fitted for fitted in self.costs if fitted <= workers), default=min(self.costs))]

    def _in_the_loop(self, name: str, server: float) -> float:
        return server if name in LIGHT else max(server - self.hash, 1)


def _mean(costs: Mapping[str, float], shares: Mapping[str, float]) -> float:
    return sum(share * costs[name] for name, share in shares.items())
