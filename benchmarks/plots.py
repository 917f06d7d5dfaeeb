"""The plots of a full run, as SVG."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.growth import Grown
from benchmarks.measured import Measured
from benchmarks.table import Gate, Rounds, medians

SHOWN = {
    "throughput.svg": "Share of what the machine can do at most",
    "storm.svg": "Latency of callers while others log in",
    "growth.svg": "Cost by number of users and sessions",
}
_STORM = {"nobody else asks": "GET /users/me, 16 at once", "16 clients log in": "GET /users/me, 16 at once, in a storm"}
_GROWN = ("GET /users/me", "POST /refresh")  # a password's hash costs what it costs
_BAR = 0.38


def write(folder: Path, rounds: Rounds, gates: Sequence[Gate], grown: Sequence[Grown]) -> None:
    shown = [gate for gate in gates if gate.by in {"CPU", "requests/s"} and gate.bound < 1]
    _draw(folder / "throughput.svg", 1.5 + 0.6 * len(shown), lambda axes: _throughput(axes, rounds, shown))
    _draw(folder / "storm.svg", 3.5, lambda axes: _storm(axes, medians(rounds)))
    _draw(folder / "growth.svg", 3.5, lambda axes: _growth(axes, grown))


def _throughput(axes: Axes, rounds: Rounds, gates: Sequence[Gate]) -> None:
    """Each operation as a share of its limit, beside the share that its gate asks for."""
    axes.set_title("Share of what the machine can do at most")
    places = range(len(gates))
    reached = axes.barh([place - _BAR / 2 for place in places], [gate.ratio(rounds) or 0 for gate in gates], _BAR)
    asked = axes.barh([place + _BAR / 2 for place in places], [gate.bound for gate in gates], _BAR, color="lightgrey")
    for bars in (reached, asked):
        axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_yticks(places, [f"{gate.operation}\nof {gate.limit}" for gate in gates])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15)
    axes.legend([reached, asked], ["reached", "the gate"], loc="lower right")


def _storm(axes: Axes, measured: Mapping[str, Measured]) -> None:
    axes.set_title("GET /users/me, 200 a second: latency in ms")
    for number, (label, name) in enumerate(_STORM.items()):
        one = measured.get(name, Measured())
        bars = axes.bar([place + (number - 0.5) * _BAR for place in (0, 1)], [one.p50 or 0, one.p99 or 0], _BAR, label=label)
        axes.bar_label(bars, fmt="%.1f", padding=2)
    axes.set_xticks([0, 1], ["p50", "p99"])
    axes.margins(y=0.15)
    axes.legend()


def _growth(axes: Axes, grown: Sequence[Grown]) -> None:
    axes.set_title("CPU µs of server and database, by number of users and sessions")
    for name in _GROWN:
        costs = [(one.operations[name].cpu or 0) + (one.operations[name].database_cpu or 0) for one in grown]
        axes.plot([one.users for one in grown], costs, marker="o", label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend()


def _draw(path: Path, height: float, draw: Callable[[Axes], None]) -> None:
    """With text as text, and the same bytes for the same figures."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "portunus", "font.family": "sans-serif"}):
        figure = Figure(figsize=(9, height), layout="constrained")
        draw(figure.subplots())
        figure.savefig(path, metadata={"Date": None})
