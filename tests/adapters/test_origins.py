from ipaddress import ip_address

import pytest

from adapters.security.origins import KeyedOrigins
from adapters.security.secret_key import SecretKey
from domain.origin import NOWHERE, Origin
from tests.examples import SECRET

OTHER = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"
ORIGINS = KeyedOrigins(SecretKey.parse(SECRET))
ORIGIN = Origin(user_agent="Mozilla/5.0", address=ip_address("203.0.113.77"))


def test_a_digest_has_8_bytes_and_says_nothing_readable() -> None:
    [digest] = ORIGINS.trace(ORIGIN).digests

    assert len(digest) == 8
    assert ORIGINS.trace(ORIGIN).digests == (digest,)


@pytest.mark.parametrize(
    ("user_agent", "address"),
    [("Mozilla/5.1", "203.0.113.77"), ("", "203.0.113.77"), ("Mozilla/5.0", "203.0.114.77"), ("Mozilla/5.0", "2001:db8::1")],
)
def test_another_program_or_another_network_is_another_origin(user_agent: str, address: str) -> None:
    other = ORIGINS.trace(Origin(user_agent=user_agent, address=ip_address(address)))

    assert other.digests != ORIGINS.trace(ORIGIN).digests


def test_another_address_in_the_same_network_is_the_same_origin() -> None:
    assert ORIGINS.trace(Origin(user_agent="Mozilla/5.0", address=ip_address("203.0.113.1"))) == ORIGINS.trace(ORIGIN)


def test_another_secret_makes_another_digest() -> None:
    assert KeyedOrigins(SecretKey.parse(OTHER)).trace(ORIGIN).digests != ORIGINS.trace(ORIGIN).digests


def test_while_the_secret_is_replaced_each_value_makes_a_digest_and_the_first_is_the_newest() -> None:
    [old], [new] = (KeyedOrigins(SecretKey.parse(secret)).trace(ORIGIN).digests for secret in (SECRET, OTHER))

    assert KeyedOrigins(SecretKey.parse(f"{OTHER},{SECRET}")).trace(ORIGIN).digests == (new, old)


def test_who_comes_from_nowhere_and_calls_themselves_anything_has_a_digest() -> None:
    assert len(ORIGINS.trace(NOWHERE).digests[0]) == 8
    assert len(ORIGINS.trace(Origin(user_agent="\udcff\n\0")).digests[0]) == 8
