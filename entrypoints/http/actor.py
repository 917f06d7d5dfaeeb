"""The caller of a route."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from application.sessions.authenticate import Authenticate
from domain.actor import Actor, InvalidAccessToken, NotAuthenticated
from entrypoints.http.inject import use


def bearer_token(request: HTTPConnection) -> str | None:
    """The one credential that counts: `Authorization: Bearer`, once (RFC 6750 2.1). Raises `InvalidAccessToken` for two."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise InvalidAccessToken
    scheme, _, token = (values[0] if values else "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None


class _Bearer(OAuth2PasswordBearer):
    async def __call__(self, request: HTTPConnection) -> str:
        token = bearer_token(request)
        if token is None:
            raise NotAuthenticated
        return token


_bearer = _Bearer(tokenUrl="token", scheme_name="Bearer", description="Log in, and send the access token.")


async def _actor(token: Annotated[str, Depends(_bearer)], authenticate: Annotated[Authenticate, use(Authenticate)]) -> Actor:
    return await authenticate(access_token=token)


CurrentActor = Annotated[Actor, Depends(_actor)]
