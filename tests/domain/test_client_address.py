from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.client_address import client_behind, networks_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:aaaa::/48"))
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("203.0.113.77", ["203.0.113.77/32"]),
        ("::ffff:203.0.113.77", ["203.0.113.77/32"]),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2::/64", "2001:db8:1::/48"]),
        ("fe80::1%eth0", ["fe80::/64", "fe80::/48"]),
    ],
)
def test_an_address_is_counted_with_those_it_comes_with(address: str, networks: list[str]) -> None:
    assert list(networks_of(ip_address(address))) == networks


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_every_address_of_a_64_is_counted_as_one(address: IPv6Address, suffix: int) -> None:
    neighbour = IPv6Address(int(address) >> 64 << 64 | suffix)

    assert networks_of(address) == networks_of(neighbour) or address.ipv4_mapped or neighbour.ipv4_mapped


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # no proxy of ours: a header proves nothing
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),  # what stands left of the client is its own word
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [None], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6", None, "10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [None, "198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("2001:db8:aaaa::1", ["2001:db8:1::7"], "2001:db8:1::7"),
    ],
)
def test_proxies_are_walked_from_the_nearest_outwards(peer: str, hops: list[str | None], client: str) -> None:
    claimed = [ip_address(hop) if hop else None for hop in hops]

    assert client_behind(ip_address(peer), claimed, PROXIES) == ip_address(client)


@given(ADDRESSES, st.lists(st.none() | ADDRESSES, max_size=8))
def test_without_trusted_proxies_nothing_that_is_said_changes_who_it_is(
    peer: IPv4Address | IPv6Address, hops: list[IPv4Address | IPv6Address | None]
) -> None:
    assert client_behind(peer, hops, ()) == client_behind(peer, [], ())


@given(st.lists(st.none() | ADDRESSES, max_size=8), st.ip_addresses(v=4, network="203.0.113.0/24"))
def test_whatever_the_client_writes_before_it_the_proxy_has_the_last_word(
    written: list[IPv4Address | IPv6Address | None], client: IPv4Address
) -> None:
    assert client_behind(IPv4Address("10.0.0.1"), [*written, client], PROXIES) == client
