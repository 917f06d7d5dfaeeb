"""`make bench`: start everything, warm up, measure in turns, and print the table."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import record, table
from benchmarks.measured import Measured, median
from benchmarks.operations import GATES, Operation, chosen, of_gates, operations
from benchmarks.setting import setting

_RESULT = Path("docs/performance/results.json")
_RESULT_OF_LESS = Path(".venv/bench.json")
_SECONDS_OF_WARMING_UP = 0.5


@dataclass(frozen=True, slots=True)
class _Length:
    rounds: int
    seconds: float  # of each operation in each round


_QUICK, _FULL = _Length(3, 1.5), _Length(5, 3)


async def _measure(length: _Length, wanted: Callable[[str], bool] | None) -> None:
    _say("starting PostgreSQL")
    async with setting() as started:
        every = operations(started)
        gates = GATES if wanted is None else [gate for gate in GATES if wanted(gate.operation)]
        each = every if wanted is None else chosen(every, gates, wanted)
        for operation in each:
            _say(f"starting and warming up: {', '.join(operation.names)}")
            if operation.prepare:
                await operation.prepare()
            await operation.run(_SECONDS_OF_WARMING_UP)
        found = await _in_turns(each, length)
        [row] = await started.postgresql.at("postgres").execute("SELECT current_setting('server_version') AS version")
    medians = {name: median(measured) for name, measured in found.items()}
    path = _RESULT if wanted is None else _RESULT_OF_LESS
    record.write(record.record(found, medians, gates, postgresql=row["version"]), path)
    print(table.as_markdown(medians, gates))
    _say(f"all figures: {path}")


async def _in_turns(each: Sequence[Operation], length: _Length) -> dict[str, list[Measured]]:
    """Every operation once before any is measured again: what else the machine does falls on all of them."""
    found: dict[str, list[Measured]] = {name: [] for operation in each for name in operation.names}
    began = time.monotonic()
    for turn in range(1, length.rounds + 1):
        for operation in each:
            for name, measured in zip(operation.names, await operation.run(length.seconds), strict=True):
                found[name].append(measured)
                said = f"{table.figure(measured.per_second)}/s" if measured.per_second else measured.note
                _say(f"{time.monotonic() - began:4.0f} s, round {turn} of {length.rounds}: {name}: {said}")
            await asyncio.sleep(0)  # where an interrupt is heard
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="what gates are about, for less long")
    parser.add_argument("--only", default="", metavar="WORD", help="what has this in its name, and what it is a ratio of")
    given = parser.parse_args()
    wanted: Callable[[str], bool] | None = None
    if given.only:
        wanted = lambda name: given.only in name  # noqa: E731 - a line is enough
    elif given.quick:
        judged = of_gates(GATES)
        wanted = judged.__contains__
    asyncio.run(_measure(_QUICK if given.quick else _FULL, wanted))


if __name__ == "__main__":
    main()
