"""The caller of a route."""

from typing import Annotated

from starlette.requests import HTTPConnection

from application.sessions.authenticate import Authenticate
from domain.actor import Actor, InvalidAccessToken, NotAuthenticated
from entrypoints.http.inject import FoundFirst


def bearer_token(request: HTTPConnection) -> str | None:
    """The one credential that counts: `Authorization: Bearer`, once (RFC 6750 2.1). Raises `InvalidAccessToken` for two."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise InvalidAccessToken
    scheme, _, token = (values[0] if values else "").partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None


async def _caller(request: HTTPConnection) -> Actor:
    token = bearer_token(request)
    if token is None:
        raise NotAuthenticated
    authenticate: Authenticate = request.app.state.use_cases[Authenticate]
    return await authenticate(access_token=token)


SECURITY_SCHEMES = {
    "Bearer": {
        "type": "oauth2",
        "description": "Log in, and send the access token.",
        "flows": {"password": {"scopes": {}, "tokenUrl": "token"}},
    }
}
CurrentActor = Annotated[Actor, FoundFirst(_caller, security=[{"Bearer": []}])]
