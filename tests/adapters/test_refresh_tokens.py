import base64
import hashlib
import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.refresh_tokens import MacRefreshTokens
from adapters.security.secret_key import SecretKey
from domain.session import InvalidRefreshToken, SessionId, SessionSecret
from tests.examples import SECRET

OTHER = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"
TOKENS = MacRefreshTokens(SecretKey.parse(SECRET))
SESSION = SessionId(UUID("01a20e6c-ae10-77cc-8912-62dd01a7275a"))
PART = SessionSecret(bytes(range(32)))
TOKEN = TOKENS.seal(session_id=SESSION, counter=258, secret=PART)


def test_a_token_is_laid_out_as_87_bytes_without_slack() -> None:
    raw = base64.urlsafe_b64decode(TOKEN.removeprefix("prt_"))
    [key] = SecretKey.parse(SECRET).derive("refresh-mac")

    assert len(TOKEN) == 4 + 116
    assert raw[:1] == b"\x01"
    assert raw[1:3] == key.id
    assert raw[3:19] == SESSION.bytes
    assert raw[19:23] == b"\x00\x00\x01\x02"
    assert raw[23:55] == PART.value
    assert raw[55:] == hmac.digest(key.key, raw[:55], hashlib.sha256)


def test_what_was_sealed_is_opened_again_and_seals_alike() -> None:
    opened = TOKENS.open(TOKEN)

    assert (opened.session_id, opened.counter, opened.secret) == (SESSION, 258, PART)
    assert TOKENS.seal(session_id=SESSION, counter=258, secret=PART) == TOKEN


@given(st.integers(min_value=0, max_value=87 * 8 - 1))
def test_a_token_with_any_bit_changed_is_refused(bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN.removeprefix("prt_")))
    raw[bit // 8] ^= 1 << bit % 8

    with pytest.raises(InvalidRefreshToken):
        TOKENS.open("prt_" + base64.urlsafe_b64encode(raw).decode())


@pytest.mark.parametrize(
    "token",
    ["", "prt_", TOKEN[:-1], TOKEN + "A", TOKEN + "=", TOKEN + "\n", " " + TOKEN, TOKEN[4:], "PRT_" + TOKEN[4:]]
    + [TOKEN[:-1] + character for character in "+/=٣é "],
)
def test_another_spelling_is_refused(token: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        TOKENS.open(token)


def test_a_token_of_another_secret_is_refused() -> None:
    with pytest.raises(InvalidRefreshToken):
        MacRefreshTokens(SecretKey.parse(OTHER)).open(TOKEN)


def test_of_two_values_the_first_makes_and_both_open() -> None:
    both = MacRefreshTokens(SecretKey.parse(f"{OTHER},{SECRET}"))
    assert both.key_ids == (*MacRefreshTokens(SecretKey.parse(OTHER)).key_ids, *TOKENS.key_ids)

    made = both.seal(session_id=SESSION, counter=258, secret=PART)

    assert both.open(TOKEN) == both.open(made) == TOKENS.open(TOKEN)
    assert made == MacRefreshTokens(SecretKey.parse(OTHER)).seal(session_id=SESSION, counter=258, secret=PART)
