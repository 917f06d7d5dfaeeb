from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import Detail
from domain.origin import NOWHERE, Origin

SOMEWHERE = Origin(user_agent="Firefox", address=ip_address("203.0.113.7"), request_id="r-1")


def test_a_detail_tells_what_it_was_made_of() -> None:
    detail = Detail.of(SOMEWHERE, salt=b"salt")

    assert detail is not None
    assert detail.origin == SOMEWHERE


@pytest.mark.parametrize("text", ["", "x", "7", "[]", "null", "[7]", '{"address": "nowhere"}', '{"address": 7.5}', "[" * 9_999])
def test_a_detail_that_nobody_made_here_tells_nothing(text: str) -> None:
    assert Detail(b"salt", text).origin == NOWHERE


@given(st.text())
def test_no_detail_breaks_who_reads_it(text: str) -> None:
    assert Detail(b"salt", text).origin is not None
