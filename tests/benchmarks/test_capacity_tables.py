"""What `make capacity` writes into docs/scaling.md."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.capacity_tables import told

DOCUMENT = (Path(__file__).parents[2] / "docs/scaling.md").read_text()
RUN = {"per_second": 1234.0, "cores": 1.5, "server": 500.0, "database": 100.0, "load": 50.0}
MEASURED = {"p50": 5.0, "p99": 9.0, "cpu": 500.0, "database_cpu": 100.0}
PREDICTION = {
    "predicted_per_second": 900.0,
    "seen_per_second": 1000.0,
    "predicted_cost": 2.0,
    "seen_cost": 3.0,
    "saturated": "",
}


def judged(*, cores: float = 1.95, errors: tuple[float, ...] = (0.1, -0.1)) -> dict[str, Any]:
    return {
        "machine": {"processor": "A processor", "cores": 2},
        "runs": {"me, 1 process": [{"run": RUN, "measured": MEASURED, "connections": 7, "pooler": None}]},
        "predictions": {f"mixed, {number}": {**PREDICTION, "error": error} for number, error in enumerate(errors)},
        "bytes_of_each": {"user": {"10000": 333.3, "100000": 300.4}},
        "needs": {"100000": {"me/s": 167.0, "cores of Portunus": 0.111}},
        "cores_that_were_ours": cores,
    }


def test_tables_take_the_place_of_those_that_were_there_and_of_nothing_else() -> None:
    once = told(DOCUMENT, judged())

    assert told(once, judged()) == once
    assert "| me, 1 process | 1,234 | 5 | 9 | 500 | 100 | 7 | 1.50 |" in once
    assert "| 100,000 | 167 | 0.11 |" in once
    headings = [line for line in DOCUMENT.splitlines() if line.startswith("#")]
    assert [line for line in once.splitlines() if line.startswith("#")] == headings


def test_a_run_that_was_disturbed_is_told_to_be_one() -> None:
    assert "**Disturbed:** other work left 0.60" in told(DOCUMENT, judged(cores=0.6))
    assert "Disturbed" not in told(DOCUMENT, judged(cores=1.9))


def test_predictions_that_are_off_by_more_are_not_counted() -> None:
    assert "1 of 3 rates are predicted within 20%." in told(DOCUMENT, judged(errors=(0.2, -0.21, 0.5)))


def test_a_document_without_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="no marks"):
        told("# Scaling", judged())
