"""The one table: what was measured, each gate with its ratio, and whether it is met."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measured import Measured, median

Row = tuple[str, ...]
Rounds = Mapping[str, Sequence[Measured]]  # what was measured of each operation, in the order of the table

_HEADINGS = (
    "operation",
    "requests/s",
    "CPU µs",
    "database µs",
    "load µs",
    "p50 ms",
    "p99 ms",
    "MiB",
    "not 2xx",
    "ratio of",
    "ratio",
    "gate",
    "met",
    "note",
)
_UNJUDGED = ("", "", "", "")

# How an operation compares with its limit. By CPU, less is more; the last three are to be small.
_RATIOS: Mapping[str, Callable[[Measured, Measured], float | None]] = {
    "CPU": lambda one, limit: _divided(limit.cpu, one.cpu),
    "requests/s": lambda one, limit: _divided(one.per_second, limit.per_second),
    "p99": lambda one, limit: _divided(one.p99, limit.p99),
    "MiB": lambda one, limit: _divided(one.memory, limit.memory),
    "CPU added": lambda one, limit: None if (cost := _divided(one.cpu, limit.cpu)) is None else cost - 1,
}
_AT_MOST = ("p99", "MiB", "CPU added")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the ratio of `operation` to `limit` must reach, or stay under. `aim` is what is hoped for beyond that."""

    operation: str
    limit: str
    bound: float
    by: str
    aim: float | None = None

    def ratio(self, rounds: Rounds) -> float | None:
        """The median of those of each round, whose two figures are of the same machine at nearly the same time.

        `None` if one of the two was not measured, or the figure that it goes by was not.
        """
        pairs = zip(rounds.get(self.operation, ()), rounds.get(self.limit, ()), strict=False)
        ratios = [ratio for one, limit in pairs if (ratio := _RATIOS[self.by](one, limit)) is not None]
        return statistics.median(ratios) if ratios else None

    def is_met(self, rounds: Rounds) -> bool:
        """What was not measured is not met."""
        ratio = self.ratio(rounds)
        if ratio is None:
            return False
        return ratio <= self.bound if self.by in _AT_MOST else ratio >= self.bound

    @property
    def asked(self) -> str:
        sign = "≤" if self.by in _AT_MOST else "≥"
        return f"{sign} {self.bound:.2f}"


def rows(rounds: Rounds, gates: Sequence[Gate]) -> list[Row]:
    """A row for each operation, and one more for each further gate of it; gates of what was not measured at the end."""
    made: list[Row] = []
    for name, one in medians(rounds).items():
        judged = [_judged(gate, rounds) for gate in gates if gate.operation == name] or [_UNJUDGED]
        made.append((*_figures(name, one), *judged[0], one.note))
        made.extend(("", *[""] * 8, *further, "") for further in judged[1:])
    missing = [gate for gate in gates if gate.operation not in rounds]
    made.extend((gate.operation, *[""] * 8, *_judged(gate, rounds), "not measured") for gate in missing)
    return made


def medians(rounds: Rounds) -> Mapping[str, Measured]:
    return {name: median(each) for name, each in rounds.items()}


def as_markdown(rounds: Rounds, gates: Sequence[Gate]) -> str:
    return markdown(_HEADINGS, rows(rounds, gates))


def judged_alone(rounds: Rounds, gates: Sequence[Gate]) -> str:
    """The gates without what they were reckoned from."""
    made = [(gate.operation, *_judged(gate, rounds)) for gate in gates]
    return markdown(("operation", "ratio of", "ratio", "gate", "met"), made)


def markdown(headings: Row, rows: Iterable[Row]) -> str:
    table = [headings, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in table]
    lines.insert(1, "| " + " | ".join("-" * max(width, 3) for width in widths) + " |")
    return "\n".join(lines)


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _figures(name: str, one: Measured) -> Row:
    costs = (one.cpu, one.database_cpu, one.load_cpu, one.p50, one.p99, one.memory)
    return (name, figure(one.per_second), *map(figure, costs), str(one.failed or ""))


def _judged(gate: Gate, rounds: Rounds) -> Row:
    ratio = gate.ratio(rounds)
    met = "yes" if gate.is_met(rounds) else "no"
    aim = f", aim {gate.aim:.2f}" if gate.aim is not None else ""
    return f"{gate.limit}, by {gate.by}", "" if ratio is None else f"{ratio:.2f}", f"{gate.asked}{aim}", met


def _divided(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
