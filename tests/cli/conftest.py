"""A shell, for the tests of the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell import Program, Shell, imported


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with imported(tmp_path_factory.mktemp("shell")) as made:
        yield made


@pytest.fixture
def shell(program: Program, tmp_path: Path) -> Shell:
    return Shell(program, tmp_path)
