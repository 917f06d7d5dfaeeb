"""The caller of a route."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from application.sessions.authenticate import Authenticate
from domain.actor import Actor, InvalidAccessToken, NotAuthenticated


def bearer_token(request: HTTPConnection) -> str | None:
    """The one credential that counts: `Authorization: Bearer`, once (RFC 6750 2.1). Raises `InvalidAccessToken` for two."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise InvalidAccessToken
    scheme, _, token = (values[0] if values else "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None


class _Caller(OAuth2PasswordBearer):
    """One dependency, not three in a row: each costs as much as a middleware, and this one is on every other route."""

    async def __call__(self, request: Request) -> Actor:  # type: ignore[override]  # FastAPI takes what it returns
        token = bearer_token(request)
        if token is None:
            raise NotAuthenticated
        authenticate: Authenticate = request.app.state.use_cases[Authenticate]
        return await authenticate(access_token=token)


_caller = _Caller(tokenUrl="token", scheme_name="Bearer", description="Log in, and send the access token.")
CurrentActor = Annotated[Actor, Depends(_caller)]
