"""`make bench`: start everything, warm up, measure in turns, and print the tables; in full, write them and the plots too."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plots, record, report, table
from benchmarks.growth import SIZES, grown
from benchmarks.operations import GATES, Operation, beside, chosen, of_gates, operations
from benchmarks.peers.known import PEERS
from benchmarks.portunus import Asked
from benchmarks.setting import Setting, setting
from benchmarks.standing import standing
from benchmarks.table import Gate, Rounds
from benchmarks.turns import in_turns

_DOCUMENTS = Path("docs/performance")
_README = Path("README.md")
_RECORD_OF_LESS = Path(".venv/bench.json")


@dataclass(frozen=True, slots=True)
class _Length:
    rounds: int
    seconds: float  # of each operation in each round


_QUICK, _FULL = _Length(2, 1.2), _Length(6, 1.4)


async def _all(length: _Length, sizes: Sequence[int]) -> None:
    """Every operation, what a process takes, and growth; printed, and written into the documents."""
    machine = record.this_machine()
    async with setting() as started:
        rounds = await _rounds(operations(started), GATES, length)
        takes = await standing(Asked(setting=started), length.seconds)
        growth = await grown(started, sizes, length.seconds, _say)
        version = await _version(started)
    medians = table.medians(rounds)
    made = record.record(rounds, GATES, machine=machine, postgresql=version, growth=growth, standing=takes)
    record.write(made, _DOCUMENTS / "results.json")
    plots.write(_DOCUMENTS, rounds, GATES, growth)
    judged = f"{report.gates_met(rounds, GATES)} {report.generator(medians)}"
    with_database = [peer.name for peer in PEERS if "PostgreSQL" in peer.name]
    users = report.of_users(medians, with_database, cores=machine["cores"])
    tables = [record.told(made), judged, users, table.as_markdown(rounds, GATES)]
    tables += [
        report.of_peers(medians, [peer.name for peer in PEERS]),
        report.of_growth(growth),
        report.of_plans(growth),
        report.of_scans(growth),
        report.of_standing(takes),
    ]
    report.put(_DOCUMENTS / "README.md", "\n\n".join([*report.images(), *tables]))
    report.put(
        _README, "\n\n".join([record.told(made), users, table.judged_alone(rounds, GATES), report.images(_DOCUMENTS)[0]])
    )
    print("\n\n".join(tables))
    _say(f"written: {_README}, {_DOCUMENTS}")


async def _some(length: _Length, wanted: Callable[[str], bool]) -> None:
    """What is wanted, and what it is a ratio of: printed, and written to no document."""
    gates: Sequence[Gate] = [gate for gate in GATES if wanted(gate.operation)]
    machine = record.this_machine()
    async with setting() as started:
        each = chosen(operations(started), gates, wanted)
        rounds = await _rounds(each, gates, length)
        version = await _version(started)
    made = record.record(rounds, gates, machine=machine, postgresql=version)
    record.write(made, _RECORD_OF_LESS)
    judged = f"{report.gates_met(rounds, gates)} {report.generator(table.medians(rounds))}"
    print("\n\n".join([record.told(made), table.as_markdown(rounds, gates), judged]))
    _say(f"all figures: {_RECORD_OF_LESS}")


async def _rounds(each: Sequence[Operation], gates: Sequence[Gate], length: _Length) -> Rounds:
    found = await in_turns(beside(each, gates), rounds=length.rounds, seconds=length.seconds, say=_say)
    return {name: found[name] for operation in each for name in operation.names}


async def _version(started: Setting) -> str:
    [row] = await started.postgresql.at("postgres").execute("SELECT current_setting('server_version') AS version")
    return str(row["version"])


_BEGAN = time.monotonic()


def _say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:5.0f} s  {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="what gates are about, for less long")
    parser.add_argument("--only", default="", metavar="WORD", help="what has this in its name, and what it is a ratio of")
    parser.add_argument("--most-users", type=int, default=SIZES[-1], help="where growth ends")
    given = parser.parse_args()
    if given.only:
        asyncio.run(_some(_QUICK, lambda name: given.only in name))
    elif given.quick:
        asyncio.run(_some(_QUICK, of_gates(GATES).__contains__))
    else:
        asyncio.run(_all(_FULL, [size for size in SIZES if size <= given.most_users]))


if __name__ == "__main__":
    main()
