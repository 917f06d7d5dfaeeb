"""The README's walk-through, typed into a shell."""

import asyncio
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.server import migrate, serving

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Step:
    """A command as it is typed, and what the README says it prints; `…` stands for any run of characters within a line."""

    command: str
    expected: str

    def accepts(self, printed: str) -> bool:
        pattern = "[^\n]*".join(re.escape(part) for part in self.expected.split("…"))
        return re.fullmatch(pattern, printed.rstrip("\n")) is not None


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return "sqlite:///readme.db"
    databases: Databases = request.getfixturevalue("databases")
    return asyncio.run(databases.make(migrated=False))


def test_each_command_prints_what_the_readme_says(url: str, tmp_path: Path) -> None:
    steps = the_walk_through()
    migrate(url, tmp_path)

    with serving(url, tmp_path) as server:
        printed = in_one_shell([step.command.replace(ADDRESS, server.address) for step in steps], tmp_path)

    for step, output in zip(steps, printed, strict=True):
        assert step.accepts(output.replace(server.address, ADDRESS)), f"$ {step.command}\n{output}\ninstead of\n{step.expected}"


@pytest.mark.parametrize(
    "path",
    [
        "/signup",
        "/token",
        "/users/me",
        "/users/me/sessions",
        "/refresh",
        "/logout",
        "/.well-known/jwks.json",
        "/.well-known/revocations",
        "/health/live",
        "/health/ready",
    ],
)
def test_the_walk_through_visits_every_path(path: str) -> None:
    steps = the_walk_through()

    assert any(f"{ADDRESS}{path}" in step.command for step in steps)


def the_walk_through() -> list[Step]:
    """The console blocks of the section `Try it`: a command begins with `$ `, and goes on at `> ` after a backslash."""
    section = re.split(r"^## ", README.read_text(), flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith("Try it\n")]
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [
        Step(command.replace("\\\n> ", "\\\n"), expected.rstrip("\n"))
        for block in blocks
        for command, expected in re.findall(r"^\$ ((?:.*\\\n> )*.*)\n((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE)
    ]


def in_one_shell(commands: list[str], cwd: Path) -> list[str]:
    """What each command prints, in one session, so that the variables of one are there for the next."""
    outputs = [cwd / f"{number:03}.out" for number in range(len(commands))]
    pairs = zip(commands, outputs, strict=True)
    script = "".join(f"{{\n{command}\n}} >{output.name} 2>&1\n" for command, output in pairs)
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8", "NO_PROXY": "*"}
    subprocess.run(["bash", "--noprofile", "--norc", "-c", script], cwd=cwd, env=environment, check=False, timeout=60)
    return [output.read_text() for output in outputs]
