"""The arithmetic of the benchmark's table."""

from pathlib import Path

import pytest

from benchmarks.load import Load
from benchmarks.measured import Measured, Unexpected, median, of_load, percentile
from benchmarks.operations import GATES
from benchmarks.record import record
from benchmarks.table import Gate, as_markdown

FAST, SLOW = Measured(per_second=1000, cpu=100), Measured(per_second=400, cpu=200)
BY_CPU = Gate(operation="slow", limit="fast", bound=0.5, by="CPU")
BY_RATE = Gate(operation="slow", limit="fast", bound=0.41, by="requests/s")


def test_a_gate_by_cpu_is_met_at_its_bound() -> None:
    measured = {"fast": FAST, "slow": SLOW}

    assert BY_CPU.ratio(measured) == 0.5
    assert BY_CPU.is_met(measured)


def test_a_gate_by_rate_is_not_met_below_its_bound() -> None:
    measured = {"fast": FAST, "slow": SLOW}

    assert BY_RATE.ratio(measured) == 0.4
    assert not BY_RATE.is_met(measured)


def test_a_gate_by_cpu_is_not_judged_where_no_cpu_is_known() -> None:
    with pytest.raises(ValueError, match="no CPU"):
        BY_CPU.ratio({"fast": FAST, "slow": Measured(per_second=1, cpu=None)})


def test_the_table_says_of_each_gate_of_an_operation_whether_it_is_met() -> None:
    table = as_markdown({"fast": FAST, "slow": SLOW}, [BY_CPU, BY_RATE])

    of_slow = [line for line in table.splitlines() if "fast, by" in line]
    assert [line.endswith("| no  |") for line in of_slow] == [False, True]


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
    made = record({"fast": [FAST], "slow": [SLOW, SLOW]}, {"fast": FAST, "slow": SLOW}, [BY_CPU], postgresql="16")

    assert made.keys() == {"machine", "versions", "operations", "rounds", "gates"}
    assert len(made["rounds"]["slow"]) == 2
    assert made["gates"] == [
        {"operation": "slow", "limit": "fast", "bound": 0.5, "by": "CPU", "ratio": 0.5, "met": True},
    ]


def test_the_documents_name_the_command_and_every_gate() -> None:
    told = (Path(__file__).parents[2] / "docs" / "performance" / "README.md").read_text()

    assert "make bench" in told
    assert all(f"≥ {gate.bound:.2f}" in told for gate in GATES)
