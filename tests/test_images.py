"""The image and the composition, as far as they can be held to something without an engine."""

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrypoints.settings import Settings
from tests.examples import SECRET
from tests.server import PORTUNUS, serving

ROOT = Path(__file__).parents[1]
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Of the exec form, which starts no shell."""
        words: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return words


def dockerfile() -> list[Instruction]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def last_stage() -> dict[str, Instruction]:
    instructions = dockerfile()
    begins = max(at for at, instruction in enumerate(instructions) if instruction.name == "FROM")
    return {instruction.name: instruction for instruction in instructions[begins:]}


def composition() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def test_the_image_is_built_from_named_versions_in_two_stages() -> None:
    bases = [instruction.rest.split()[0] for instruction in dockerfile() if instruction.name == "FROM"]

    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", base) for base in bases)


def test_the_image_runs_as_a_numbered_user_that_is_not_root_and_starts_without_a_shell() -> None:
    stage = last_stage()

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage["USER"].rest)
    assert [*stage["ENTRYPOINT"].words, *stage["CMD"].words] == ["portunus", "serve"]
    assert subprocess.run([PORTUNUS, *stage["CMD"].words, "--help"], check=False, capture_output=True).returncode == 0


def test_everything_is_installed_by_hash_with_the_version_of_uv_that_the_makefile_pins() -> None:
    installs = [instruction.words for instruction in dockerfile() if instruction.name == "RUN"]
    pinned = re.search(r"^UV_VERSION := (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

    assert pinned
    assert [words[-1] for words in installs if words[0] == "pip"] == [f"uv=={pinned[1]}"]
    assert all(
        {"--require-hashes", "--no-index"} & set(words)
        for words in installs
        if {"install", "build"} & set(words[1:3]) and words[0] == "uv"
    )


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [instruction.rest.split() for instruction in dockerfile() if instruction.name == "COPY"]

    sources = {source for words in copied if not words[0].startswith("--from") for source in words[:-1]}
    assert sources == let_in
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [instruction for instruction in dockerfile() if instruction.name == "ADD"] == []


def test_what_the_image_installs_has_every_file_that_is_not_code(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    [wheel] = tmp_path.glob("portunus-*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "domain", "application", "adapters", "entrypoints"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(tracked) - packed == set()


def test_the_health_check_tells_a_server_that_answers_from_one_that_does_not(tmp_path: Path) -> None:
    _, *words = last_stage()["HEALTHCHECK"].words

    with serving("memory://", tmp_path) as server:
        port = server.address.rpartition(":")[2]
        healthy = subprocess.run([sys.executable, *words], env={"PORTUNUS_PORT": port}, check=False, capture_output=True)
    gone = subprocess.run([sys.executable, *words], env={"PORTUNUS_PORT": port}, check=False, capture_output=True)

    assert (healthy.returncode, gone.returncode) == (0, 1)


def test_the_composition_starts_in_order_and_publishes_portunus_alone_to_this_machine_alone() -> None:
    services = composition()["services"]

    assert services["portunus"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["depends_on"] == {"postgresql": {"condition": "service_healthy"}}
    assert {name: service.get("ports", []) for name, service in services.items()} == {
        "portunus": ["127.0.0.1:8000:8000"],
        "migrate": [],
        "postgresql": [],
    }
    assert services["postgresql"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert services["postgresql"]["volumes"] == ["postgresql:/var/lib/postgresql/data"]
    assert "postgresql" in composition()["volumes"]


@pytest.mark.parametrize("name", ["portunus", "migrate"])
def test_the_composition_gives_portunus_no_more_than_it_needs(name: str) -> None:
    service = composition()["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_composition_has_no_password_of_its_own_and_asks_for_three_values() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = (ROOT / ".env.example").read_text()

    asked = set(REQUIRED.findall(text))
    assert asked == {"POSTGRES_PASSWORD", "PORTUNUS_SECRET_KEY", "PORTUNUS_ISSUER"}
    assert set(re.findall(r"\$\{(\w+)", text)) == asked
    assert all(f"# {name}=\n" in example for name in asked)


def test_with_the_three_values_portunus_is_safe_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "POSTGRES_PASSWORD": "a1b2c3d4e5f6",
        "PORTUNUS_SECRET_KEY": SECRET[::-1],
        "PORTUNUS_ISSUER": "https://id.example.com",
    }

    for name, value in composition()["services"]["portunus"]["environment"].items():
        monkeypatch.setenv(name, REQUIRED.sub(lambda found: values[found[1]], value))
    settings = Settings(_env_file=None).with_defaults()

    settings.require_safe()
    assert (settings.env, settings.host, settings.port) == ("production", "0.0.0.0", 8000)  # noqa: S104 - within the container
