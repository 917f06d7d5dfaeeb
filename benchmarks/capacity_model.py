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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    per_second: float
    server: float
    database: float
    saturated: str

    def error(self, seen: Run) -> float:
        """By which part of what was seen the rate is off."""
        return self.per_second / seen.per_second - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Costs add up. Two things may be exhausted first: the cores, or the one thread of each process that does not hash.

    `reached` is which part of that the runs it was fitted on came to: nobody keeps every core busy all the time.
    """

    server: Mapping[str, float]
    database: Mapping[str, float]
    load: Mapping[str, float]
    hash: float  # of one password, in threads of their own
    reached: float

    @classmethod
    def fitted(cls, runs: Sequence[Run], *, hash: float) -> Self:
        """On runs of one operation each; of several of the same, the median."""
        names = {name for run in runs for name in run.shares}

        def median(figure: str, name: str) -> float:
            return float(statistics.median(getattr(run, figure) for run in runs if name in run.shares))

        costs = {figure: {name: median(figure, name) for name in names} for figure in ("server", "database", "load")}
        whole = cls(**costs, hash=hash, reached=1)
        parts = [run.per_second / whole.predict(run.shares, workers=run.workers, cores=run.cores).per_second for run in runs]
        return cls(**costs, hash=hash, reached=statistics.median(parts))

    def predict(self, shares: Mapping[str, float], *, workers: int, cores: float, load_elsewhere: bool = False) -> Prediction:
        server, database = self._mean(self.server, shares), self._mean(self.database, shares)
        load = 0 if load_elsewhere else self._mean(self.load, shares)
        loop = sum(share * self._in_the_loop(name) for name, share in shares.items())
        of_cores, of_loops = cores * 1e6 / (server + database + load), min(workers, cores) * 1e6 / loop
        return Prediction(
            per_second=min(of_cores, of_loops) * self.reached,
            server=server,
            database=database,
            saturated="the cores" if of_cores <= of_loops else "the processes' event loops",
        )

    def cores_for(self, rates: Mapping[str, float]) -> tuple[float, float]:
        """How many cores these requests per second keep busy: of Portunus, and of PostgreSQL."""
        of = [sum(rate * costs[name] for name, rate in rates.items()) / 1e6 for costs in (self.server, self.database)]
        return of[0] / self.reached, of[1] / self.reached

    def _in_the_loop(self, name: str) -> float:
        return self.server[name] if name in LIGHT else max(self.server[name] - self.hash, 1)

    @staticmethod
    def _mean(costs: Mapping[str, float], shares: Mapping[str, float]) -> float:
        return sum(share * costs[name] for name, share in shares.items())
