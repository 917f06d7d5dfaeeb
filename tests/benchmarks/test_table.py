"""The arithmetic of the benchmark's table."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks.load import Load
from benchmarks.measured import Measured, Unexpected, median, of_load, percentile
from benchmarks.operations import GATES, beside, chosen, of_gates, operations
from benchmarks.record import record
from benchmarks.setting import Setting
from benchmarks.table import Gate, as_markdown
from tests.faults.cluster import Cluster

FAST, SLOW = Measured(per_second=1000, cpu=100), Measured(per_second=400, cpu=200)
BY_CPU = Gate(operation="slow", limit="fast", bound=0.5, by="CPU")
BY_RATE = Gate(operation="slow", limit="fast", bound=0.41, by="requests/s")


def test_a_gate_by_cpu_is_met_at_its_bound() -> None:
    measured = {"fast": [FAST], "slow": [SLOW]}

    assert BY_CPU.ratio(measured) == 0.5
    assert BY_CPU.is_met(measured)


def test_a_gate_by_rate_is_not_met_below_its_bound() -> None:
    measured = {"fast": [FAST], "slow": [SLOW]}

    assert BY_RATE.ratio(measured) == 0.4
    assert not BY_RATE.is_met(measured)


@pytest.mark.parametrize("measured", [{"fast": [FAST]}, {"fast": [FAST], "slow": [Measured(per_second=1)]}, {}])
def test_a_gate_is_not_met_where_what_it_goes_by_was_not_measured(measured: Mapping[str, Sequence[Measured]]) -> None:
    assert BY_CPU.ratio(measured) is None
    assert not BY_CPU.is_met(measured)


@pytest.mark.parametrize("by", ["p99", "MiB"])
def test_what_is_to_be_small_is_not_met_above_its_bound(by: str) -> None:
    gate = Gate(operation="busy", limit="idle", bound=2, by=by)

    found = [gate.is_met({"idle": [of(4)], "busy": [of(busy)]}) for busy in (8.0, 8.1)]

    assert found == [True, False]


def test_what_is_added_to_a_cost_is_a_share_of_that_cost() -> None:
    gate = Gate(operation="slow", limit="fast", bound=0.99, by="CPU added")

    assert gate.ratio({"fast": [FAST], "slow": [SLOW]}) == 1
    assert not gate.is_met({"fast": [FAST], "slow": [SLOW]})


def test_a_ratio_is_the_median_of_each_rounds_own_since_the_machine_is_not_the_same_in_all() -> None:
    rounds = {"fast": [_costs(100), _costs(300), _costs(100)], "slow": [_costs(200), _costs(500), _costs(1000)]}

    assert BY_CPU.ratio(rounds) == 0.5  # of medians it would be 0.2


def test_a_round_that_failed_is_left_out_of_the_ratio() -> None:
    rounds = {"fast": [FAST, FAST], "slow": [Measured(note="a round failed"), SLOW]}

    assert BY_CPU.ratio(rounds) == 0.5


def test_what_is_compared_is_measured_one_after_the_other(tmp_path: Path) -> None:
    every = operations(Setting(AsyncExitStack(), tmp_path, Cluster(tmp_path)))

    ordered = beside(every, GATES)
    names = [operation.names[0] for operation in ordered]

    assert sorted(names) == sorted(operation.names[0] for operation in every)
    for name, limit in [("GET /users/me", "hello"), ("POST /refresh", "pgbench -N"), ("POST /signup", "argon2 hash, 19 MiB")]:
        assert abs(names.index(name) - names.index(limit)) <= 2
    assert any("tutorial" in name for name in names[names.index("GET /users/me") :][:3])


def test_the_table_says_of_each_gate_of_an_operation_whether_it_is_met() -> None:
    table = as_markdown({"fast": [FAST], "slow": [SLOW]}, [BY_CPU, BY_RATE])

    of_slow = [cells(line) for line in table.splitlines() if "fast, by" in line]
    assert [(row[9], row[10], row[11], row[12]) for row in of_slow] == [
        ("fast, by CPU", "0.50", "≥ 0.50", "yes"),
        ("fast, by requests/s", "0.40", "≥ 0.41", "no"),
    ]


def test_the_table_has_a_gate_of_what_was_not_measured_and_says_so() -> None:
    [row] = [cells(line) for line in as_markdown({"fast": [FAST]}, [BY_CPU]).splitlines() if "slow" in line]

    assert (row[0], row[10], row[12], row[13]) == ("slow", "", "no", "not measured")


def test_the_table_says_why_a_peer_was_not_measured() -> None:
    table = as_markdown({"fast": [FAST], "slow": [Measured(note="There is no Node.js with npm here.")]}, [BY_CPU])

    [row] = [cells(line) for line in table.splitlines() if "slow" in line]
    assert (row[12], row[13]) == ("no", "There is no Node.js with npm here.")


def test_every_gate_is_of_rows_that_the_table_has_and_one_alone_is_measured_with_its_limits(tmp_path: Path) -> None:
    every = operations(Setting(AsyncExitStack(), tmp_path, Cluster(tmp_path)))

    rows = {name for operation in every for name in operation.names}
    one = {name for operation in chosen(every, GATES, lambda name: name == "POST /refresh") for name in operation.names}

    assert of_gates(GATES) <= rows
    assert one == {"POST /refresh", "hello", "pgbench -N"}


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2
    assert percentile([1, 2, 3, 4], 99) == 4
    assert percentile([7], 1) == 7


def test_of_several_rounds_the_middle_one_counts_and_every_failure() -> None:
    rounds = [Measured(per_second=rate, cpu=None, p99=rate, failed=1) for rate in (1, 9, 3)]

    middle = median(rounds)

    assert (middle.per_second, middle.cpu, middle.p99, middle.failed) == (3, None, 3, 3)


def test_refusals_are_no_figures() -> None:
    refused = Load(seconds=1, statuses={"200": 5, "429": 1}, lost=0, cpu=0.1, latencies=[1] * 5)

    with pytest.raises(Unexpected, match="429"):
        of_load(refused, 1, None, may_fail=False)


def test_refusals_that_belong_to_what_is_measured_are_counted_apart() -> None:
    refused = Load(seconds=2, statuses={"200": 6, "503": 2}, lost=1, cpu=0.1, latencies=[1000] * 6)

    measured = of_load(refused, 6, 12, may_fail=True)

    assert (measured.per_second, measured.failed, measured.p99) == (3, 3, 1)
    assert (measured.cpu, measured.database_cpu) == (1e6, 2e6)


def test_the_record_has_every_round_and_every_gate_with_its_ratio() -> None:
    made = record({"fast": [FAST], "slow": [SLOW, SLOW]}, [BY_CPU], machine={}, postgresql="16")

    assert made.keys() == {"machine", "versions", "operations", "rounds", "gates", "growth", "standing"}
    assert len(made["rounds"]["slow"]) == 2
    assert made["gates"] == [
        {"operation": "slow", "limit": "fast", "bound": 0.5, "by": "CPU", "aim": None, "ratio": 0.5, "met": True},
    ]


def test_the_documents_name_the_command_and_every_gate() -> None:
    told = (Path(__file__).parents[2] / "docs" / "performance" / "README.md").read_text()

    assert "make bench" in told
    assert [gate for gate in GATES if gate.asked not in told] == []


def _costs(cpu: float) -> Measured:
    return Measured(cpu=cpu)


def of(figure: float) -> Measured:
    return Measured(p99=figure, memory=figure)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
