"""Where a request comes from."""

from ipaddress import ip_address
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.requests import HTTPConnection

from domain.origin import Origin

DEVICE_HEADER = "Device-Token"
DEVICE_COOKIE = "__Host-device"
_SECONDS_OF_A_DEVICE = 180 * 86400
_LONGEST_USER_AGENT = 512  # of real ones few have 300


def origin_of(request: HTTPConnection) -> Origin:
    """By the connection's own address, or the one that trusted proxies name (`ClientBehindProxies`)."""
    user_agent = request.headers.get("user-agent", "")[:_LONGEST_USER_AGENT]
    device_token = request.headers.get(DEVICE_HEADER) or request.cookies.get(DEVICE_COOKIE, "")
    request_id = request.scope.get("state", {}).get("request_id")
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:  # a socket of the file system has no address
        address = None
    return Origin(user_agent=user_agent, address=address, device_token=device_token, request_id=request_id)


def give_device_token(request: Request, response: Response, token: str) -> None:
    """As a cookie that no script reads; or as the header, where the client has sent that, be it empty."""
    if not token:
        return
    if DEVICE_HEADER in request.headers:
        response.headers[DEVICE_HEADER] = token
        return
    response.set_cookie(DEVICE_COOKIE, token, max_age=_SECONDS_OF_A_DEVICE, secure=True, httponly=True, samesite="strict")


async def _origin(request: HTTPConnection) -> Origin:
    return origin_of(request)


RequestOrigin = Annotated[Origin, Depends(_origin)]
