"""Measuring in turns."""

import asyncio
from collections.abc import Callable, Sequence

from benchmarks.measured import Measured, Unexpected
from benchmarks.operations import Operation
from benchmarks.table import figure

_SECONDS_OF_WARMING_UP = 0.5


async def in_turns(
    each: Sequence[Operation], *, rounds: int, seconds: float, say: Callable[[str], None]
) -> dict[str, list[Measured]]:
    """Every operation once before any is measured again: what else the machine does falls on all of them.

    A round in which it was refused is not a figure of it; the note says so.
    """
    for operation in each:
        say(f"starting and warming up: {', '.join(operation.names)}")
        if operation.prepare:
            await operation.prepare()
        await _measured(operation, _SECONDS_OF_WARMING_UP)
    found: dict[str, list[Measured]] = {name: [] for operation in each for name in operation.names}
    for turn in range(1, rounds + 1):
        for operation in each:
            for name, measured in zip(operation.names, await _measured(operation, seconds), strict=True):
                found[name].append(measured)
                said = f"{figure(measured.per_second)}/s" if measured.per_second else measured.note
                say(f"round {turn} of {rounds}: {name}: {said}")
            await asyncio.sleep(0)  # where an interrupt is heard
    return found


async def _measured(operation: Operation, seconds: float) -> Sequence[Measured]:
    try:
        return await operation.run(seconds)
    except Unexpected as reason:
        return [Measured(note=f"a round failed: {reason}") for _ in operation.names]
