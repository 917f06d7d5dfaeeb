"""Where a request comes from."""

from ipaddress import ip_address
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from domain.origin import Origin

_LONGEST_USER_AGENT = 512  # of real ones few have 300


def origin_of(request: HTTPConnection) -> Origin:
    """By the connection's own address, or the one that trusted proxies name (`ClientBehindProxies`)."""
    user_agent = request.headers.get("user-agent", "")[:_LONGEST_USER_AGENT]
    try:
        return Origin(user_agent=user_agent, address=ip_address(request.client.host if request.client else ""))
    except ValueError:  # a socket of the file system has no address
        return Origin(user_agent=user_agent)


async def _origin(request: HTTPConnection) -> Origin:
    return origin_of(request)


RequestOrigin = Annotated[Origin, Depends(_origin)]
