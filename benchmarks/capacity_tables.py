"""What `make capacity` writes into docs/scaling.md."""

import statistics
from collections.abc import Mapping
from typing import Any

_TOLERATED = 0.2  # of what was seen
_UNDISTURBED = 0.9  # of the cores
_WITH = {"user": "with the count of its attempts", "audit entry": "with 120 characters of detail"}


def told(text: str, judged: Mapping[str, Any]) -> str:
    """The document, with the tables of this run between its marks."""
    made = {"runs": _runs_table, "predictions": _predictions_table, "sizes": _sizes_table, "needs": _needs_table}
    for name, table in made.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, begins, rest = text.partition(begin)
        if not begins or end not in rest:
            raise ValueError(f"the document has no marks for {name}")
        text = before + begin + "\n".join(table(judged)) + "\n" + end + rest.partition(end)[2]
    return text


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
    pooler = {
        name: statistics.median(one["pooler"] for one in seen) for name, seen in judged["runs"].items() if seen[0]["pooler"]
    }
    if pooler:
        spent = ", ".join(f"{name.partition(',')[0]} {figure:,.0f} µs" for name, figure in pooler.items())
        lines += ["", f"PgBouncer itself takes, for each request: {spent}."]
    return [
        *lines,
        "",
        f"Measured on: {judged['machine']['processor']}, {judged['machine']['cores']} cores. {_disturbed(judged)}",
    ]


def _disturbed(judged: Mapping[str, Any]) -> str:
    least, cores = judged["cores_that_were_ours"], judged["machine"]["cores"]
    if least >= _UNDISTURBED * cores:
        return f"Other work left {least:.2f} of them at least."
    return (
        f"**Disturbed:** other work left {least:.2f} of them at the worst, so that rates of different rows do not compare;"
        " costs do, more or less."
    )


def _predictions_table(judged: Mapping[str, Any]) -> list[str]:
    heads = "Not fitted on | predicted/s | seen/s | off by | predicted µs of CPU in all | seen | exhausted first"
    lines = [f"| {heads} |", "| --- " * 7 + "|"]
    for name, one in judged["predictions"].items():
        lines.append(
            f"| {name} | {one['predicted_per_second']:,.0f} | {one['seen_per_second']:,.0f} | {one['error']:+.0%}"
            f" | {one['predicted_cost']:,.0f} | {one['seen_cost']:,.0f} | {one['saturated']} |"
        )
    within = sum(abs(one["error"]) <= _TOLERATED for one in judged["predictions"].values())
    return [*lines, "", f"{within} of {len(judged['predictions'])} rates are predicted within {_TOLERATED:.0%}."]


def _sizes_table(judged: Mapping[str, Any]) -> list[str]:
    return [
        "| One | bytes, with its indexes, at so many |",
        "| --- | --- |",
        *(
            f"| {', '.join([name, *filter(None, [_WITH.get(name)])])} | "
            + "; ".join(f"{size:,.0f} at {int(count):,}" for count, size in each.items())
            + " |"
            for name, each in judged["bytes_of_each"].items()
        ),
    ]


def _needs_table(judged: Mapping[str, Any]) -> list[str]:
    needs = judged["needs"]
    heads = list(next(iter(needs.values())))
    lines = [f"| Users | {' | '.join(heads)} |", "| --- " * (len(heads) + 1) + "|"]
    for users, each in needs.items():
        figures = (f"{figure:,.2g}" if figure < 10 else f"{figure:,.0f}" for figure in each.values())
        lines.append(f"| {int(users):,} | {' | '.join(figures)} |")
    return lines
