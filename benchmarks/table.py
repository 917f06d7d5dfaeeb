"""The one table: what was measured, each gate with its ratio, and whether it is met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measured import Measured

_HEADINGS = tuple("operation,requests/s,CPU µs,database µs,load µs,p50 ms,p99 ms,not 2xx,ratio of,ratio,gate,".split(","))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`operation` reaches `bound` times `limit`: by requests per second, or by CPU for each, where less is more."""

    operation: str
    limit: str
    bound: float
    by: str  # "CPU" or "requests/s"

    def ratio(self, measured: Mapping[str, Measured]) -> float:
        one, other = measured[self.operation], measured[self.limit]
        if self.by == "requests/s":
            return one.per_second / other.per_second
        if not one.cpu or not other.cpu:
            raise ValueError(f"no CPU is known of {self.operation} or {self.limit}")
        return other.cpu / one.cpu

    def is_met(self, measured: Mapping[str, Measured]) -> bool:
        return self.ratio(measured) >= self.bound


def rows(measured: Mapping[str, Measured], gates: Sequence[Gate]) -> list[tuple[str, ...]]:
    made = []
    for name, one in measured.items():
        figures = (name, f"{one.per_second:,.0f}", *map(_figure, (one.cpu, one.database_cpu, one.load_cpu)))
        figures += (_figure(one.p50), _figure(one.p99), str(one.failed or ""))
        own = [gate for gate in gates if gate.operation == name]
        made.append((*figures, *(_judged(own[0], measured) if own else ("", "", "", ""))))
        made.extend((*[""] * len(figures), *_judged(gate, measured)) for gate in own[1:])
    return made


def as_markdown(measured: Mapping[str, Measured], gates: Sequence[Gate]) -> str:
    table = [_HEADINGS, *rows(measured, gates)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEADINGS))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in table]
    lines.insert(1, "| " + " | ".join("-" * max(width, 3) for width in widths) + " |")
    return "\n".join(lines)


def _judged(gate: Gate, measured: Mapping[str, Measured]) -> tuple[str, str, str, str]:
    met = "yes" if gate.is_met(measured) else "no"
    return f"{gate.limit}, by {gate.by}", f"{gate.ratio(measured):.2f}", f"≥ {gate.bound:.2f}", met


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
