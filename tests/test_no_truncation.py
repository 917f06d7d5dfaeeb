"""Okta, 2024: bcrypt over an id, a name and a password put together. Beyond byte 72 the password did not count."""

import ast
from pathlib import Path

import pytest

from adapters.security.argon2 import Argon2PasswordHasher
from adapters.security.hashing_pool import HashingPool
from domain.hashing_cost import HashingCost
from domain.password import PlainPassword
from tests.fakes import RecordedEvents

ROOT = Path(__file__).parent.parent
TAKES_A_SECRET = {"hash", "verify", "hashpw", "checkpw", "pbkdf2_hmac", "scrypt"}
TOGETHER = (ast.BinOp, ast.JoinedStr)


@pytest.mark.parametrize(
    ("password", "other"),
    [
        ("kqzjwvxp" * 9 + "trueTail", "kqzjwvxp" * 9 + "fakeTail"),
        ("é四😀" * 20 + "true", "é四😀" * 20 + "fake"),
        ("kqzjwvxpylmtrbdn\0true", "kqzjwvxpylmtrbdn\0fake"),
        ("kqzjwvxpylmtrbdn\0true", "kqzjwvxpylmtrbdn"),
        ("😀" * 255 + "a", "😀" * 255 + "b"),
        ("kqzjwvxp" * 9 + "trueTail", "kqzjwvxp" * 9),
    ],
)
async def test_no_truncation(password: str, other: str) -> None:
    hasher = Argon2PasswordHasher(HashingPool(), HashingCost(memory=64, time=1), RecordedEvents())
    known = await hasher.hash(PlainPassword.parse(password))

    assert await hasher.verify(PlainPassword.parse(password), known)
    assert not await hasher.verify(PlainPassword.parse(other), known)


@pytest.mark.parametrize("layer", ["domain", "application", "adapters", "entrypoints"])
def test_no_truncation_nothing_is_put_together_to_be_hashed(layer: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / layer).rglob("*.py")
        for call in _put_together(path.read_text(encoding="utf-8"))
    ]

    assert found == []


@pytest.mark.parametrize(
    "source", ["hash(user_id + name + password)", "bcrypt.hashpw(f'{name}{password}'.encode(), salt)", "x.verify('%s' % p, h)"]
)
def test_no_truncation_the_guard_finds_what_it_looks_for(source: str) -> None:
    assert len(_put_together(source)) == 1


def _put_together(source: str) -> list[ast.Call]:
    return [
        call
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and _name(call.func) in TAKES_A_SECRET
        if any(isinstance(part, TOGETHER) for argument in call.args for part in ast.walk(argument))
    ]


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
