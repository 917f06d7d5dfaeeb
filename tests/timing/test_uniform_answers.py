import os
import secrets
import time
from dataclasses import replace
from statistics import quantiles
from typing import Any

import httpx2
import pytest

from application.ports.passwords import OPERATORS
from application.ports.unit_of_work import Store
from application.sessions.login import Login
from domain.password import PasswordHash, PlainPassword
from domain.turn import Turn
from domain.username import Username
from tests.examples import PASSWORD, a_stored_user, a_user
from tests.foreign_hashes import KNOWN
from tests.timing.statistics import p_value, tells_apart

SAMPLES = int(os.environ.get("PORTUNUS_TIMING_SAMPLES", "30"))
_TRIES = 4  # at one account: one fewer than are free
_ACCOUNTS = SAMPLES // _TRIES + 1
POPULATIONS = ("nobody", "wrong", "disabled", "corrupt")

Portunus = tuple[httpx2.AsyncClient, Store]


async def _populate(portunus: Portunus) -> None:
    """Of each kind as many as are needed: after a few failures an account makes the next one wait."""
    client, store = portunus
    body = {"username": "wrong0", "email": "x@example.com", "password": PASSWORD}
    assert (await client.post("/signup", json=body)).status_code == 201
    known = await store.live.find_by_username(Username("wrong0"))
    assert known is not None
    hashed = known.password_hash.text
    for number in range(_ACCOUNTS):
        if number:
            await a_stored_user(store, a_user(f"wrong{number}", password_hash=hashed))
        await a_stored_user(store, a_user(f"disabled{number}", password_hash=hashed, disabled_at=known.registered_at))
        await a_stored_user(store, a_user(f"corrupt{number}", password_hash="x"))


async def _measure(client: httpx2.AsyncClient, names: tuple[str, ...]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in names}
    order = [name for name in names for _ in range(SAMPLES + 1)]
    secrets.SystemRandom().shuffle(order)
    for name in order:
        # Of the disabled account the password is right: the answer must not tell that either.
        password = PASSWORD if name == "disabled" else "not the password at all"
        account = f"{name}{len(times[name]) // _TRIES}"
        began = time.perf_counter()
        answer = await client.post("/token", data={"username": account, "password": password})
        times[name].append(time.perf_counter() - began)
        assert answer.status_code == 401
    return {name: measured[1:] for name, measured in times.items()}


async def test_en01_every_failed_log_in_is_answered_alike(portunus: Portunus) -> None:
    await _populate(portunus)
    answers: list[Any] = []

    for name in POPULATIONS:
        password = PASSWORD if name == "disabled" else "not the password at all"
        answer = await portunus[0].post("/token", data={"username": f"{name}0", "password": password})
        answers.append((answer.status_code, answer.content, sorted(set(answer.headers) - {"x-request-id"})))

    assert answers == [answers[0]] * len(POPULATIONS)


async def test_en02_every_failed_log_in_takes_as_long(portunus: Portunus) -> None:
    await _populate(portunus)

    times = await _measure(portunus[0], POPULATIONS)

    assert [name for name in POPULATIONS if tells_apart(times["wrong"], times[name])] == []


async def test_en02_without_the_decoy_the_difference_is_found(portunus: Portunus) -> None:
    await _populate(portunus)
    client, _ = portunus
    use_cases = client._transport.app.state.use_cases  # type: ignore[attr-defined]
    login: Login = use_cases[Login]
    use_cases[Login] = replace(login, hasher=_WithoutDecoy(login.hasher))

    times = await _measure(client, ("nobody", "wrong"))

    assert tells_apart(times["wrong"], times["nobody"])


async def test_en03_how_far_a_hash_from_elsewhere_tells_itself_apart_is_reported(portunus: Portunus) -> None:
    await _populate(portunus)
    elsewhere = ("bcrypt 2b", "pbkdf2-sha256", "argon2id")
    for kind, name in zip("abc", elsewhere, strict=True):
        for number in range(_ACCOUNTS):
            await a_stored_user(portunus[1], a_user(f"elsewhere-{kind}{number}", password_hash=KNOWN[name]))

    times = await _measure(portunus[0], ("wrong", *(f"elsewhere-{kind}" for kind in "abc")))

    for name, measured in zip(("argon2id, as made here", *elsewhere), times.values(), strict=True):
        floor = quantiles(measured, n=5)[0] * 1000
        print(f"\n{name}: {floor:.1f} ms, told apart: {tells_apart(times['wrong'], measured)}")
    assert all(len(measured) == SAMPLES for measured in times.values())


class _WithoutDecoy:
    """A hasher as it must not be."""

    def __init__(self, hasher: Any) -> None:
        self._hasher = hasher

    async def verify(self, password: PlainPassword, against: PasswordHash | None, *, turn: Turn = OPERATORS) -> bool:
        return against is not None and await self._hasher.verify(password, against, turn=turn)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hasher, name)


@pytest.mark.parametrize(("shift", "found"), [(0.0, False), (0.5, True)])
def test_the_test_itself_finds_a_shift_and_only_that(shift: float, found: bool) -> None:
    one = [(n * 7919 % 100) / 100 for n in range(60)]
    other = [(n * 104729 % 100) / 100 + shift for n in range(60)]

    assert (p_value(one, other) < 0.001) is found
