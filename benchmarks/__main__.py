"""`make bench`: start everything, warm up, measure in turns, and print the table."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks import record, table
from benchmarks.measured import Measured, median
from benchmarks.operations import GATES, Operation, operations
from benchmarks.setting import started

_RESULT = Path("docs/performance/results.json")
_SECONDS_OF_WARMING_UP = 1
_QUICK = (3, 2.5)  # rounds, and seconds of each operation in each
_FULL = (7, 8)


async def _measure(rounds: int, seconds: float) -> None:
    _say("starting PostgreSQL and the servers")
    async with started() as setting:
        each = await operations(setting)
        for name, operation in each.items():
            _say(f"warming up: {name}")
            await operation(_SECONDS_OF_WARMING_UP)
        found = await _in_turns(each, rounds, seconds)
        [row] = await setting.postgresql.execute("SELECT current_setting('server_version') AS version")
    medians = {name: median(measured) for name, measured in found.items()}
    record.write(record.record(found, medians, GATES, postgresql=row["version"]), _RESULT)
    print(table.as_markdown(medians, GATES))
    _say(f"all figures: {_RESULT}")


async def _in_turns(each: Mapping[str, Operation], rounds: int, seconds: float) -> Mapping[str, list[Measured]]:
    """Every operation once before any is measured again: what else the machine does falls on all of them."""
    found: dict[str, list[Measured]] = {name: [] for name in each}
    for turn in range(1, rounds + 1):
        for name, operation in each.items():
            found[name].append(await operation(seconds))
            await asyncio.sleep(0)  # where an interrupt is heard
            _say(f"round {turn} of {rounds}: {name}: {found[name][-1].per_second:,.0f}/s")
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    asyncio.run(_measure(*(_QUICK if "--quick" in sys.argv[1:] else _FULL)))
