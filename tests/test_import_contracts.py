"""Each contract of pyproject.toml is broken once, to see it fail."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "application", "adapters", "entrypoints")
LINT = Path(sys.executable).parent / "lint-imports"

BREAKS = [
    ("domain/user.py", "import application.ports.clock", "Layers"),
    ("adapters/memory/store.py", "import adapters.sql.schema", "Adapters do not know each other"),
    ("adapters/carrier_pigeon.py", "import domain.user", "Adapters do not know each other"),
    ("application/sessions/login.py", "import application.accounts.register_user", "Capabilities"),
    ("application/gardening/__init__.py", "import domain.user", "Capabilities"),
    ("entrypoints/http/app.py", "import adapters.clock", "Only the container imports adapters"),
    ("entrypoints/http/routes/keys.py", "import dependency_injector", "dependency-injector"),
    ("adapters/clock.py", "import dependency_injector", "dependency-injector"),
    ("entrypoints/http/routes/keys.py", "import application.ports.tokens", "Routes never import ports"),
    ("domain/user.py", "import domain.session", "No cycles"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _broken(checkout: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "COLUMNS": "200"}
    linted = subprocess.run(
        [LINT, "--no-cache"], cwd=checkout, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    broken = [line for line in linted.stdout.splitlines() if " BROKEN" in line]
    assert bool(linted.returncode) is bool(broken) or "exhaustive" in linted.stdout, linted.stdout + linted.stderr
    return broken if linted.returncode else []


def test_as_it_is_no_contract_is_broken(copy: Path) -> None:
    assert _broken(copy) == []


@pytest.mark.parametrize(("module", "line", "contract"), BREAKS)
def test_a_contract_that_is_broken_fails(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(f"\n{line}\n")

    assert any(contract in broken for broken in _broken(copy))


@pytest.mark.parametrize("package", ["domain", "application"])
def test_the_core_imports_the_standard_library_and_itself(package: str) -> None:
    itself = {"domain"} if package == "domain" else {"domain", "application"}
    allowed = sys.stdlib_module_names | itself

    foreign = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in _imported(path)
        if name.partition(".")[0] not in allowed
    }

    assert foreign == set()


def test_the_core_loads_with_the_standard_library_alone() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("domain", "application")
        for path in (ROOT / package).rglob("*.py")
    ]
    program = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; import " + ", ".join(modules)

    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("ambient", ["asyncio", "os", "pathlib", "random", "secrets", "socket", "threading", "time"])
def test_the_domain_asks_nothing_of_its_surroundings(ambient: str) -> None:
    for path in (ROOT / "domain").rglob("*.py"):
        assert ambient not in _imported(path), path
        assert not any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(ast.parse(path.read_text()))), path


def test_every_use_case_reads_in_one_screen() -> None:
    for path in (ROOT / "application").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 120, path


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names
