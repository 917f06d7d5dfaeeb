import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.security.device_tokens import LIFETIME, MacDeviceTokens
from adapters.security.secret_key import SecretKey
from application.ports.throttle import KnownDevice
from tests.examples import SECRET, a_user

OTHER = "7d1f0a94c3b2e85866f1e0d9a7c4b35210fe43dc98ba7615e2c9d47a08b1f36e"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKENS = MacDeviceTokens(SecretKey.parse(SECRET))
USER = a_user()
DEVICE = KnownDevice(b"twelve bytes", 7)
TOKEN = TOKENS.seal(USER, device=DEVICE, at=NOW)


def test_a_device_is_known_by_its_token_until_it_is_180_days_old() -> None:
    device = TOKENS.open(TOKEN, user=USER, at=NOW)

    assert device == DEVICE
    assert TOKENS.open(TOKEN, user=USER, at=NOW + LIFETIME - timedelta(seconds=2)) == device
    assert TOKENS.open(TOKEN, user=USER, at=NOW + LIFETIME + timedelta(seconds=1)) is None
    assert TOKENS.open(TOKENS.seal(USER, device=device, at=NOW + LIFETIME), user=USER, at=NOW + LIFETIME) == device


@pytest.mark.parametrize("number", [1, 2**32 - 1])
def test_the_number_of_a_device_is_in_its_token(number: int) -> None:
    device = KnownDevice(bytes(12), number)

    assert TOKENS.open(TOKENS.seal(USER, device=device, at=NOW), user=USER, at=NOW) == device


def test_a_token_is_worth_nothing_at_another_account_or_after_a_change_of_password() -> None:
    assert TOKENS.open(TOKEN, user=a_user("another"), at=NOW) is None
    assert TOKENS.open(TOKEN, user=replace(USER, generation=USER.generation + 1), at=NOW) is None


@pytest.mark.parametrize("position", range(81))
def test_a_token_with_any_bit_changed_is_none(position: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN.removeprefix("prd_")))
    raw[position] ^= 1

    assert TOKENS.open("prd_" + base64.urlsafe_b64encode(raw).decode(), user=USER, at=NOW) is None


@pytest.mark.parametrize(
    "token", ["", "prd_", TOKEN[4:], TOKEN + "A", TOKEN[:-1], f" {TOKEN}", f"{TOKEN}\n", "prt_" + "A" * 116]
)
def test_what_is_not_of_the_form_is_none(token: str) -> None:
    assert TOKENS.open(token, user=USER, at=NOW) is None


def test_a_token_is_authentic_whoever_has_it_and_however_old_it_is() -> None:
    assert TOKENS.is_authentic(TOKEN)
    assert not MacDeviceTokens(SecretKey.parse(OTHER)).is_authentic(TOKEN)
    assert not TOKENS.is_authentic("")


def test_an_older_secret_opens_and_another_does_not() -> None:
    assert MacDeviceTokens(SecretKey.parse(f"{OTHER},{SECRET}")).open(TOKEN, user=USER, at=NOW) is not None
    assert MacDeviceTokens(SecretKey.parse(OTHER)).open(TOKEN, user=USER, at=NOW) is None


def test_a_device_that_logs_in_under_two_secrets_has_a_token_of_the_first() -> None:
    both, first = MacDeviceTokens(SecretKey.parse(f"{OTHER},{SECRET}")), MacDeviceTokens(SecretKey.parse(OTHER))
    known = both.open(TOKEN, user=USER, at=NOW)
    assert known is not None

    assert first.open(both.seal(USER, device=known, at=NOW), user=USER, at=NOW) == known
