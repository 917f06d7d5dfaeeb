"""Where a request comes from, as far as a session remembers it."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network


class DeviceKind(StrEnum):
    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"
    OTHER = "other"  # a program, or what is not recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What somebody works with, as they would call it: `Firefox`, `Linux`. `None` is what is not recognised."""

    browser: str | None = None
    system: str | None = None
    kind: DeviceKind = DeviceKind.OTHER


UNRECOGNISED = Device()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The program that asks, as it calls itself, the address that it asks from, and the id that the log has of the request."""

    user_agent: str = ""
    address: IPv4Address | IPv6Address | None = None
    device_token: str = field(default="", repr=False)  # what it was given when it logged in before
    request_id: str | None = None  # None of what does not come by a request

    @property
    def network(self) -> str | None:
        """The address, coarsened: a /24 or a /48, which is a household or a company rather than a person."""
        address = self.address
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        if address is None:
            return None
        if isinstance(address, IPv4Address):
            return f"{str(address).rpartition('.')[0]}.0/24"
        return str(IPv6Network((int(address), 48), strict=False))


NOWHERE = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a rotation remembers of its origin.

    There is a digest for each key of the service, the newest first, so that two processes which do not have the same newest
    key, while a secret is replaced, take one origin for one.
    """

    network: str | None
    digests: tuple[bytes, ...] = field(repr=False)
