from ipaddress import ip_address

import pytest

from domain.origin import NOWHERE, Origin


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_an_address_is_coarsened_to_a_network(address: str, network: str) -> None:
    assert Origin(address=ip_address(address)).network == network


def test_who_has_no_address_has_no_network() -> None:
    assert NOWHERE.network is None
