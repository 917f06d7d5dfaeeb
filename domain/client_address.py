"""Whose request it is, as far as an address tells."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A provider gives a customer of IPv6 a /64 at least, and many a /48: of those, this many times as much is let through.
_WIDER = 48
WIDER_FACTOR = 10
_MOST_REMEMBERED = 4096


def unmapped(address: Address) -> Address:
    """IPv4 in IPv6's clothes (::ffff:203.0.113.7) is IPv4."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


@lru_cache(_MOST_REMEMBERED)  # a log-in asks several times, and to work it out takes longer than all that is done with it
def networks_of(address: Address) -> tuple[str, ...]:
    """Those that share a limit: the address itself, of IPv6 the /64 and the /48 around it."""
    plain = unmapped(address)
    if isinstance(plain, IPv4Address):
        return (str(IPv4Network(plain)),)
    return tuple(str(IPv6Network((int(plain), length), strict=False)) for length in (64, _WIDER))


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def client_behind(peer: Address, hops: Sequence[Address | None], trusted: Sequence[Network]) -> Address:
    """The nearest address that no trusted proxy has, walking from the peer backwards through what proxies say.

    `hops` are in the order of the header, the nearest last. `None` is what is no address: beyond it nothing is believed.
    """
    client = unmapped(peer)
    for hop in reversed(hops):
        if hop is None or not is_within(client, trusted):
            break
        client = unmapped(hop)
    return client
