from tests.faults.history import Broken, Violation
from tests.faults.table import Row, Table, document, updated


def a_row(scenario: str, **more: object) -> Row:
    return Row(**{"scenario": scenario, "what": "It breaks", "operations": 7, "faults": 1, "broken": [], **more})  # type: ignore[arg-type]  # of fields


def rows(text: str) -> dict[str, str]:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| F-")]
    return {cells[0]: cells[-1] for cells in lines}


def test_a_scenario_that_broke_a_promise_has_not_held() -> None:
    table = Table([a_row("F-01"), a_row("F-02", broken=[Violation(Broken.LOST, "s", "")])])

    assert rows(table.markdown()) == {"F-01": "yes", "F-02": "**no**"}


def test_a_scenario_whose_test_fails_has_not_held_whatever_it_counted() -> None:
    table = Table([a_row("F-01"), a_row("F-02")])

    table.fail("F-02", "it breaks", since=1)

    assert rows(table.markdown()) == {"F-01": "yes", "F-02": "**no**"}


def test_a_scenario_that_fails_before_it_counts_anything_stands_in_the_table() -> None:
    table = Table([a_row("F-01")])

    table.fail("F-02", "it breaks", since=1)

    assert rows(table.markdown()) == {"F-01": "yes", "F-02": "**no**"}


def test_a_scenario_that_is_run_alone_replaces_its_own_rows_and_no_others() -> None:
    text = document(Table([a_row("F-01"), a_row("F-03 fast"), a_row("F-03 gone", failed=True)]), seconds=60)

    new = updated(text, Table([a_row("F-03 fast", failed=True)]))

    assert rows(new) == {"F-01": "yes", "F-03 fast": "**no**"}
    assert new.partition("| Scenario")[0] == text.partition("| Scenario")[0]
    assert new.rpartition("|")[2] == text.rpartition("|")[2]
