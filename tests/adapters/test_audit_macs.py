import pytest

from adapters.security.audit_macs import KeyedAuditMacs
from adapters.security.secret_key import SecretKey
from application.ports.audit_macs import Verdict
from tests.examples import SECRET

OTHER = "5f9c1e07a3d84b62908f17e6c2ab3d54e1780c9f6ba2453d8e70f419c6d3b528"


def _macs(text: str) -> KeyedAuditMacs:
    return KeyedAuditMacs(SecretKey.parse(text))


def test_what_was_made_is_good_under_any_value_that_is_set() -> None:
    mac = _macs(SECRET).make(b"message")

    assert _macs(SECRET).judge(b"message", mac) is Verdict.GOOD
    assert _macs(f"{OTHER},{SECRET}").judge(b"message", mac) is Verdict.GOOD


def test_a_value_that_is_not_set_any_more_is_told_from_a_forgery() -> None:
    assert _macs(OTHER).judge(b"message", _macs(SECRET).make(b"message")) is Verdict.UNKNOWN_KEY


@pytest.mark.parametrize("spoilt", [b"", b"\x01", b"\x02" + bytes(34), bytes(35), bytes(36)])
def test_what_has_another_form_is_forged(spoilt: bytes) -> None:
    assert _macs(SECRET).judge(b"message", spoilt) is Verdict.FORGED


def test_another_message_or_a_changed_byte_is_forged() -> None:
    mac = _macs(SECRET).make(b"message")

    assert _macs(SECRET).judge(b"massage", mac) is Verdict.FORGED
    assert _macs(SECRET).judge(b"message", mac[:-1] + bytes([mac[-1] ^ 1])) is Verdict.FORGED
    assert _macs(SECRET).judge(b"message", mac + b"\x00") is Verdict.FORGED
