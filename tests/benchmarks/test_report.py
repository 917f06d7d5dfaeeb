"""What a full run writes into the documents."""

from pathlib import Path

import pytest

from benchmarks import plots, report
from benchmarks.growth import Grown
from benchmarks.measured import Measured
from benchmarks.query_plans import QueryPlan
from benchmarks.table import Gate
from benchmarks.wrk import of_output

GATE = Gate(operation="slow", limit="fast", bound=0.5, by="CPU")
MEASURED = {
    "fast": Measured(per_second=1000, cpu=100, load_cpu=20),
    "slow": Measured(per_second=400, cpu=400, load_cpu=40, p50=1, p99=2),
}
ROUNDS = {name: [one] for name, one in MEASURED.items()}


def test_what_is_made_takes_the_place_of_what_was_between_the_marks_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")

    report.put(path, "new")
    report.put(path, "newer")

    assert path.read_text() == f"before\n\n{report.BEGIN}\n\nnewer\n\n{report.END}\n\nafter\n"


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"{report.BEGIN}\nno end\n")

    with pytest.raises(ValueError, match="no marks"):
        report.put(path, "new")

    assert path.read_text() == f"{report.BEGIN}\nno end\n"


@pytest.mark.parametrize("name", ["README.md", "docs/performance/README.md"])
def test_the_documents_have_marks_to_write_between(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text()

    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_gates_that_are_not_met_are_not_counted() -> None:
    assert report.gates_met(ROUNDS, [GATE]) == "0 of 1 gates are met."


def test_the_generator_is_told_of_by_what_it_was_busiest_with() -> None:
    assert report.generator(MEASURED).endswith("is fast, for 2% of the time.")


def test_users_are_told_by_what_they_ask_for_and_peers_by_what_callers_cost() -> None:
    costs = {"GET /users/me": 200, "POST /refresh": 500, "POST /token": 30_000, "POST /signup": 30_000, "slower: caller": 3000}
    measured = {name: Measured(cpu=cost, database_cpu=100) for name, cost in costs.items()}

    told = report.of_users({**measured, "missing: caller": Measured(note="no Node")}, ["slower", "missing"], cores=2)

    # of one core 0.1 / 60 of 300 µs, 0.1 / 900 of 600 µs, and 3.03 in 30 days of 30,100 µs
    assert "some 1,700,000 users" in told
    assert told.endswith("By what callers alone cost, Portunus: 2,000,000; slower: 190,000.")


def test_what_grows_is_told_as_a_multiple_of_what_it_cost_with_the_fewest() -> None:
    few = Grown(users=1000, operations={"me": Measured(cpu=100, database_cpu=100)}, scans={"pk_users": 5})
    many = Grown(users=100_000, operations={"me": Measured(cpu=200, database_cpu=300)}, scans={"users, from end to end": 7})

    told, scans = report.of_growth([few, many]), report.of_scans([few, many])

    assert [line.split("|")[5].strip() for line in told.splitlines()[2:]] == ["1.00", "2.50"]
    assert [[cell.strip() for cell in line.split("|")[2:4]] for line in scans.splitlines()[2:]] == [["5", "0"], ["0", "7"]]


def a_plan(*indexes: str, rows: int, whole: tuple[str, ...] = ()) -> QueryPlan:
    return QueryPlan(operation="me", does="select sessions", indexes=indexes, whole=whole, rows=rows)


def test_a_statement_is_told_with_its_index_and_with_what_it_read_otherwise() -> None:
    sizes = {1: a_plan(rows=9, whole=("sessions",)), 10: a_plan("ix", rows=2), 100: a_plan("pk", rows=1)}

    told = report.of_plans([Grown(users=users, operations={}, plans=[plan], scans={}) for users, plan in sizes.items()])

    [row] = told.splitlines()[2:]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["me", "select sessions", "`pk`", "9, all of `sessions`", "2, by `ix`", "1"]


def test_plots_are_svg_that_runs_nothing_and_fetches_nothing(tmp_path: Path) -> None:
    cost = {"GET /users/me": Measured(cpu=100), "POST /refresh": Measured(cpu=300)}

    plots.write(tmp_path, ROUNDS, [GATE], [Grown(users=size, operations=cost, scans={}) for size in (1000, 10_000)])

    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert drawn.keys() == plots.SHOWN.keys()
    assert [name for name, svg in drawn.items() if "<script" in svg or "@import" in svg or 'href="http' in svg] == []
    assert "0.25" in drawn["throughput.svg"]


def test_what_a_peer_spends_is_told_as_a_multiple_of_what_portunus_does() -> None:
    measured = {
        "GET /users/me": Measured(cpu=200),
        "one: caller": Measured(cpu=1000),
        "two: caller": Measured(note="It is not here."),
    }

    told = report.of_peers(measured, ["one", "two"])

    [caller] = [line for line in told.splitlines() if "| caller" in line]
    assert [cell.strip() for cell in caller.strip("|").split("|")] == ["caller", "200", "1,000, 5.0 times", "It is not here."]


def test_answers_of_wrk_that_are_refusals_are_no_figure() -> None:
    said = "  3000 requests in 1.50s, 1.20MB read\nRequests/sec:   2000.00\n"

    assert of_output(said, 0.75) == Measured(per_second=2000, cpu=250)
    with pytest.raises(ValueError, match="Non-2xx"):
        of_output(f"{said}  Non-2xx or 3xx responses: 5\n", 0.75)
