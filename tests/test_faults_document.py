"""docs/faults.md, which `make faults` writes, against the scenarios that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "faults"


@pytest.fixture
def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "faults.md").read_text()
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| F-")]


def test_every_scenario_has_a_row(rows: list[list[str]]) -> None:
    tests = "".join(path.read_text() for path in TESTS.glob("test_*.py"))
    scenarios = {f"F-{number}" for number in re.findall(r"def test_f(\d\d)_", tests)}

    assert {row[0].split()[0] for row in rows} == scenarios


def test_every_scenario_held_and_lost_nothing(rows: list[list[str]]) -> None:
    assert {row[0]: (*row[4:9], row[-1]) for row in rows} == {row[0]: ("0", "0", "0", "0", "0", "yes") for row in rows}
