"""Who is calling, where proxies stand between: what they say in `X-Forwarded-For` or `Forwarded`, if they are trusted."""

import re
from collections import deque
from collections.abc import Sequence
from ipaddress import ip_address
from typing import final

from starlette.types import ASGIApp, Receive, Scope, Send

from domain.client_address import Address, Network, client_behind, is_within, unmapped

_MOST_HOPS = 20
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\w+)?|(?P<v4>[0-9.]+)(?::\w+)?")
# RFC 7239 4: pairs of a token and a token or a quoted string.
_PAIR = r'[!#$%&\'*+.^_`|~0-9A-Za-z-]+=(?:[!#$%&\'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\]|\\.)*")'
_ELEMENT = re.compile(rf"{_PAIR}(?:[ \t]*;[ \t]*{_PAIR})*")
_BETWEEN = re.compile(r"[ \t]*(?:,[ \t,]*|\Z)")
_FOR = re.compile(r'(?:^|;[ \t]*)for=(?:"((?:[^"\\]|\\.)*)"|([^";]*))', re.IGNORECASE)


@final
class ClientBehindProxies:
    """Puts into the request's scope the client that trusted proxies name, in place of the nearest of them.

    Where the two headers lead to different clients, the proxies set only one of them and the other is the client's own word:
    then neither is believed.
    """

    def __init__(self, app: ASGIApp, *, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = _address(scope["client"][0]) if scope["type"] == "http" and scope.get("client") else None
        if peer is not None and is_within(unmapped(peer), self._trusted):
            client = self._client(peer, scope["headers"])
            if client != peer:
                scope["client"] = (str(client), 0)
        await self._app(scope, receive, send)

    def _client(self, peer: Address, headers: Sequence[tuple[bytes, bytes]]) -> Address:
        by_list = _joined(b"x-forwarded-for", headers)
        by_pairs = _joined(b"forwarded", headers)
        said = [_of_list(by_list)] if by_list else []
        said += [_of_pairs(by_pairs)] if by_pairs else []
        clients = {client_behind(peer, hops, self._trusted) for hops in said}
        return clients.pop() if len(clients) == 1 else peer


def _joined(name: bytes, headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Several headers of one name are one list (RFC 9110 5.3)."""
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)


def _of_list(text: str) -> list[Address | None]:
    return [_address(hop.strip(" \t")) for hop in text.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]]


def _of_pairs(text: str) -> list[Address | None]:
    """Of a header that is not as RFC 7239 has it, nothing: an open quote would swallow what a proxy wrote after it."""
    text = text.strip(" \t,")
    nearest: deque[str] = deque(maxlen=_MOST_HOPS)
    at = 0
    while at < len(text):
        element = _ELEMENT.match(text, at)
        between = _BETWEEN.match(text, element.end()) if element else None
        if element is None or between is None:
            return [None]
        nearest.append(element[0])
        at = between.end()
    return [_named_in(element) for element in nearest]


def _named_in(element: str) -> Address | None:
    named = _FOR.search(element)
    return _address((named[1] or named[2]) if named else "")


def _address(text: str) -> Address | None:
    shape = _WITH_PORT.fullmatch(text)
    plain = (shape["v6"] or shape["v4"] or "") if shape else text
    try:
        return None if "%" in plain else ip_address(plain)  # a zone is of no other machine, and free text
    except ValueError:
        return None
