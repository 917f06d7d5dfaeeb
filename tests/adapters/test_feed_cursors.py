import base64

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.security.feed_cursors import SealedFeedCursors
from adapters.security.secret_key import SecretKey
from domain.revocation import FeedPosition
from tests.examples import SECRET

OTHER = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"
CURSORS = SealedFeedCursors(SecretKey.parse(SECRET))
POSITION = FeedPosition(epoch="0123456789abcdef", timeline=3, xid=123_456_789, id=42)
CURSOR = CURSORS.seal(POSITION)
numbers = st.integers(0, 2**63 - 1)


@given(st.text("0123456789abcdef", min_size=1, max_size=32), numbers, numbers, numbers)
def test_what_was_sealed_is_opened_again(epoch: str, timeline: int, xid: int, id: int) -> None:
    position = FeedPosition(epoch=epoch, timeline=timeline, xid=xid, id=id)

    assert CURSORS.open(CURSORS.seal(position)) == position


def test_a_cursor_made_before_the_secret_was_replaced_is_opened_while_the_old_value_is_there() -> None:
    assert SealedFeedCursors(SecretKey.parse(f"{OTHER},{SECRET}")).open(CURSOR) == POSITION
    assert SealedFeedCursors(SecretKey.parse(OTHER)).open(CURSOR) is None


def test_a_cursor_tells_nothing_of_the_store() -> None:
    raw = base64.urlsafe_b64decode(CURSOR + "==")

    assert not any(part in raw for part in (b"0123456789abcdef", b"123456789", b".42"))


@given(st.text() | st.text("ABCabc019-_", max_size=200))
@example("")
@example("A" * 200)
@example("A" * 100_000)
@example(CURSOR + "A")
@example(CURSOR[:-4])
@example(CURSOR + "==")
def test_text_that_nobody_sealed_is_no_position(text: str) -> None:
    assert CURSORS.open(text) is None


@given(st.data(), st.integers(1, 255))
def test_a_cursor_with_a_changed_byte_is_no_position(data: st.DataObject, by: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSOR + "=" * (-len(CURSOR) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= by

    assert CURSORS.open(base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) is None
