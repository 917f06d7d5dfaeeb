import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.cursors import MacCursors
from adapters.security.secret_key import SecretKey
from application.ports.cursors import InvalidCursor
from tests.examples import SECRET

OTHER = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"
CURSORS = MacCursors(SecretKey.parse(SECRET))
LAST, OWNER = UUID("01a20e6c-ae10-77cc-8912-62dd01a7275a"), UUID("01a20e6c-ae10-77cc-8912-62dd01a7275b")
CURSOR = CURSORS.seal(LAST, listing="live", of=OWNER)


def test_what_was_sealed_is_opened_again() -> None:
    assert CURSORS.open(CURSOR, listing="live", of=OWNER) == LAST


def test_a_cursor_made_before_the_secret_was_replaced_is_opened_while_the_old_value_is_there() -> None:
    assert MacCursors(SecretKey.parse(f"{OTHER},{SECRET}")).open(CURSOR, listing="live", of=OWNER) == LAST
    with pytest.raises(InvalidCursor):
        MacCursors(SecretKey.parse(OTHER)).open(CURSOR, listing="live", of=OWNER)


@given(st.text())
def test_ht16_text_that_nobody_sealed_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.open(text, listing="live", of=OWNER)


@given(st.integers(0, 47), st.integers(1, 255))
def test_ht16_a_cursor_with_a_changed_byte_is_refused(index: int, by: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSOR))
    raw[index] ^= by

    with pytest.raises(InvalidCursor):
        CURSORS.open(base64.urlsafe_b64encode(raw).decode(), listing="live", of=OWNER)
