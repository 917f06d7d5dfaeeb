"""What Portunus rests on, and how it deals with secrets in its own code."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "application", "adapters", "entrypoints")
LOCKS = ("requirements.lock", "requirements-dev.lock")
# Confuses keys and algorithms, or is no longer kept; `passlib` itself is libpass here.
REFUSED = {"python-jose", "passlib", "jwcrypto", "pycrypto", "jose", "fastapi-jwt-auth", "itsdangerous", "ecdsa", "rsa"}
SECRET = re.compile(r"(secret|token|digest|mac|hash|signature|password|credential)s?")
# What compares equal without telling a client anything.
HARMLESS = {
    "users.c.password_hash == old.text": "decided by the database, of two stored values",
    "user.password_hash == old": "of two stored values",
    "sessions.c.secret_digest == secret_digest": "digests of random bytes, after the MAC was checked",
    "token == stored": "of counters",
    "token == stored - 1": "of counters",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def imported() -> set[str]:
    found: set[str] = set()
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Of each distribution the version and how many hashes it may have."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    found = [re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", line) for line in lines]
    assert all(found), lines
    return {
        match[1].lower(): (match[2], line.count("--hash=sha256:")) for match, line in zip(found, lines, strict=True) if match
    }


def compared_secrets(source: ast.AST) -> Iterator[str]:
    for node in ast.walk(source):
        if not isinstance(node, ast.Compare) or not any(isinstance(sign, ast.Eq | ast.NotEq) for sign in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(SECRET.search(last_name(side)) for side in sides) and not any(isinstance(side, ast.Constant) for side in sides):
            yield ast.unparse(node)


def last_name(node: ast.AST) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Call(func=called):
            return last_name(called)
        case ast.Subscript(value=value):
            return last_name(value)
    return ""


@pytest.mark.parametrize("lock", LOCKS)
def test_ks11_every_dependency_is_pinned_by_version_and_hash(lock: str) -> None:
    pinned = pins(lock)

    assert len(pinned) > 20
    assert [name for name, (_, hashes) in pinned.items() if not hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_ks11_pyjwt_is_new_enough_and_what_confuses_keys_is_not_there(lock: str) -> None:
    pinned = pins(lock)

    assert tuple(int(part) for part in pinned["pyjwt"][0].split(".")[:2]) >= (2, 15)
    assert pinned.keys() & REFUSED == set()


def test_ks11_what_is_installed_is_what_is_locked() -> None:
    locked = pins("requirements-dev.lock")

    assert {name: version(name) for name in ("pyjwt", "cryptography", "libpass", "argon2-cffi", "fastapi")} == {
        name: locked[name][0] for name in ("pyjwt", "cryptography", "libpass", "argon2-cffi", "fastapi")
    }
    assert "libpass" in packages_distributions()["passlib"]
    assert "passlib" not in packages_distributions()["passlib"]
    assert any(line.startswith("pyjwt[crypto]>=2.15") for line in requires("portunus") or ())


@pytest.mark.parametrize("module", ["jose", "ecdsa", "rsa", "itsdangerous", "Crypto", "authlib"])
def test_ks11_no_module_imports_what_confuses_keys(module: str) -> None:
    assert {name for name in imported() if name.split(".")[0] == module} == set()


def test_ks12_secrets_are_not_compared_with_equals() -> None:
    found = {(path, compared) for path, tree in modules() for compared in compared_secrets(tree)}

    assert {(path, compared) for path, compared in found if compared not in HARMLESS} == set()


@pytest.mark.parametrize("planted", ["token == stored_token", "user.password_hash != given", "mac(x) == y", "a == digests[0]"])
def test_ks12_the_rule_finds_such_a_comparison(planted: str) -> None:
    assert list(compared_secrets(ast.parse(planted))) == [planted]


def test_ks12_randomness_is_that_of_secrets() -> None:
    banned = {"random", "numpy.random", "uuid.uuid1", "uuid.uuid3", "uuid.uuid5"}

    assert {name for name in imported() if name in banned or name.split(".")[0] == "random"} == set()
