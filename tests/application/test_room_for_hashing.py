"""Refusing early, where a password could not be hashed anyway."""

import pytest

from application.ports.passwords import Overloaded
from domain.attempts import FREE
from domain.origin import Origin
from domain.password import PlainPassword
from domain.throttle import Action
from domain.turn import Line
from tests.application.conftest import InMemory
from tests.examples import PASSWORD


async def test_pw11_a_log_in_that_would_find_its_line_full_is_refused_before_storage_is_asked(portunus: InMemory) -> None:
    portunus.hasher.full = {Line.LOG_INS}

    with pytest.raises(Overloaded):
        await portunus.login(identifier="nobody", password=PlainPassword(PASSWORD))

    assert portunus.hasher.comparisons == 0


async def test_pw11_a_device_waits_in_another_line_and_is_not_refused_for_that_one(portunus: InMemory) -> None:
    await portunus.sign_up()
    known = Origin(device_token=(await portunus.log_in()).device_token)
    portunus.hasher.full = {Line.LOG_INS}

    await portunus.admit_request(action=Action.LOG_IN, origin=known)
    await portunus.login(identifier="johndoe", password=PlainPassword(PASSWORD), origin=known)


async def test_pw11_the_device_of_another_account_is_refused_before_an_attempt_at_this_one_is_counted(
    portunus: InMemory,
) -> None:
    await portunus.sign_up("mallory")
    await portunus.sign_up()
    of_mallory = Origin(device_token=(await portunus.log_in("mallory")).device_token)
    portunus.hasher.full = {Line.LOG_INS}

    for identifier in ["johndoe", "nobody"] * (2 * FREE):
        with pytest.raises(Overloaded):
            await portunus.login(identifier=identifier, password=PlainPassword("wrong, and long"), origin=of_mallory)
    portunus.hasher.full = set()

    await portunus.log_in()


@pytest.mark.parametrize("token", ["any", "prd_" + "A" * 108])
async def test_pw11_what_only_looks_like_a_device_is_refused_like_anybody(portunus: InMemory, token: str) -> None:
    portunus.hasher.full = {Line.LOG_INS}

    with pytest.raises(Overloaded):
        await portunus.admit_request(action=Action.LOG_IN, origin=Origin(device_token=token))
    with pytest.raises(Overloaded):
        await portunus.login(identifier="nobody", password=PlainPassword(PASSWORD), origin=Origin(device_token=token))


async def test_pw11_a_sign_up_that_would_find_its_line_full_is_not_let_in_and_not_counted(portunus: InMemory) -> None:
    portunus.hasher.full = {Line.SIGN_UPS}
    for _ in range(1000):
        with pytest.raises(Overloaded):
            await portunus.admit_request(action=Action.SIGN_UP, origin=Origin())
    await portunus.admit_request(action=Action.INTROSPECTION, origin=Origin())
    portunus.hasher.full = set()

    await portunus.admit_request(action=Action.SIGN_UP, origin=Origin())
