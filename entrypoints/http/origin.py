"""Where a request comes from."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from domain.origin import Origin
from entrypoints.http.inject import Made

Headers = Sequence[tuple[bytes, bytes]]

DEVICE_HEADER = "Device-Token"
_DEVICE_HEADER = DEVICE_HEADER.lower().encode()
DEVICE_COOKIE = "__Host-device"
_DEVICE = re.compile(rb"(?:^|;)[ \t]*__Host-device=([A-Za-z0-9_-]+)[ \t]*(?:;|\Z)")
_READ = "portunus.origin"
_SECONDS_OF_A_DEVICE = 180 * 86400
_LONGEST_USER_AGENT = 512  # of real ones few have 300


def origin_of(request: HTTPConnection) -> Origin:
    """By the connection's own address, or the one that trusted proxies name (`ClientBehindProxies`); once for each request."""
    known: Origin | None = request.scope.get(_READ)
    if known is None:
        known = request.scope[_READ] = _read(request)
    return known


def _read(request: HTTPConnection) -> Origin:
    headers = request.scope["headers"]
    user_agent = _first(headers, b"user-agent")[:_LONGEST_USER_AGENT]
    device_token = _first(headers, _DEVICE_HEADER) or _device_cookie(headers)
    request_id = request.scope.get("state", {}).get("request_id")
    client = request.scope.get("client")
    address = _address(client[0]) if client else None
    return Origin(user_agent=user_agent, address=address, device_token=device_token, request_id=request_id)


def _first(headers: Headers, name: bytes) -> str:
    return next((value.decode("latin-1") for each, value in headers if each == name), "")


@lru_cache(maxsize=4096)
def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:  # a socket of the file system has no address
        return None


def without_foreign_cookies(headers: Headers) -> Headers:
    """What the framework may see: it undoes quotes and escapes of all cookies at every route, which can take it seconds."""
    ours = _device_cookie(headers)
    kept = [header for header in headers if header[0] != b"cookie"]
    return [*kept, (b"cookie", f"{DEVICE_COOKIE}={ours}".encode())] if ours else kept


def _device_cookie(headers: Headers) -> str:
    found = (_DEVICE.search(value) for name, value in headers if name == b"cookie")
    return next((each[1].decode() for each in found if each), "")


def give_device_token(request: Request, response: Response, token: str) -> None:
    """As a cookie that no script reads; or as the header, where the client has sent that, be it empty."""
    if not token:
        return
    if DEVICE_HEADER in request.headers:
        response.headers[DEVICE_HEADER] = token
        return
    response.set_cookie(DEVICE_COOKIE, token, max_age=_SECONDS_OF_A_DEVICE, secure=True, httponly=True, samesite="strict")


RequestOrigin = Annotated[Origin, Made(origin_of)]
