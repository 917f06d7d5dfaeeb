"""In which order operations are measured, and what becomes of a round that fails."""

from collections.abc import Sequence

from benchmarks.measured import Measured, Unexpected, median
from benchmarks.operations import Operation
from benchmarks.turns import in_turns


class Ran:
    def __init__(self, *, fails_at: int | None = None) -> None:
        self.log: list[str] = []
        self._fails_at = fails_at

    def operation(self, *names: str) -> Operation:
        async def run(seconds: float) -> Sequence[Measured]:
            del seconds
            self.log.append(names[0])
            if len(self.log) == self._fails_at:
                raise Unexpected("answers by status: {'503': 1}")
            return [Measured(per_second=len(self.log))] * len(names)

        return Operation(names, run)


async def test_each_is_measured_once_before_any_is_measured_again() -> None:
    ran = Ran()

    found = await in_turns([ran.operation("a", "b"), ran.operation("c")], rounds=2, seconds=0, say=lambda _: None)

    assert ran.log == ["a", "c"] * 3  # the first of them warms up
    assert {name: [one.per_second for one in each] for name, each in found.items()} == {"a": [3, 5], "b": [3, 5], "c": [4, 6]}


async def test_a_round_that_is_refused_is_no_figure_and_is_told() -> None:
    found = await in_turns([Ran(fails_at=3).operation("a")], rounds=3, seconds=0, say=lambda _: None)

    assert [one.per_second for one in found["a"]] == [2, None, 4]
    assert "503" in median(found["a"]).note
