"""The client of a route: by HTTP Basic or by its form (RFC 6749 2.3.1), not by both."""

import base64
import binascii
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import Depends, Form, Request
from fastapi.security import HTTPBasic
from pydantic import BaseModel, ConfigDict, Field

from application.clients.authenticate_client import AuthenticateClient
from domain.client import Client, ClientSecret, InvalidClient


class TokenToLookAt(BaseModel):
    """RFC 7662 2.1 and RFC 7009 2.1. The hint changes nothing: each kind of token is known by its form."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "prt_…", "token_type_hint": "refresh_token"}]})

    token: str | None = Field(default=None, description="Required. An access token or a refresh token.")
    token_type_hint: str | None = Field(default=None, examples=["access_token", "refresh_token"])
    client_id: str | None = None
    client_secret: str | None = Field(default=None, json_schema_extra={"format": "password"})


TokenForm = Annotated[TokenToLookAt, Form()]


class _Basic(HTTPBasic):
    """Told to OpenAPI; read here, since what it parses is not decoded as RFC 6749 asks."""

    async def __call__(self, request: Request) -> tuple[str, str] | None:  # type: ignore[override]
        values = request.headers.getlist("authorization")
        if not values:
            return None
        scheme, _, encoded = values[0].partition(" ")
        if len(values) > 1 or scheme.lower() != "basic":
            raise InvalidClient
        try:
            name, colon, secret = base64.b64decode(encoded.strip(" "), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise InvalidClient from None
        if not colon:
            raise InvalidClient
        return unquote_plus(name), unquote_plus(secret)


_basic = _Basic(scheme_name="Client", description="A client's name and secret, from `portunus clients add`.")


async def _client(
    form: TokenForm,
    basic: Annotated[tuple[str, str] | None, Depends(_basic)],
    request: Request,
) -> Client:
    in_form = form.client_secret is not None
    if in_form == (basic is not None) or (basic and form.client_id not in {None, basic[0]}):
        raise InvalidClient
    name, secret = basic or (form.client_id or "", form.client_secret or "")
    authenticate_client: AuthenticateClient = request.app.state.use_cases[AuthenticateClient]
    return await authenticate_client(id=name, secret=ClientSecret(secret))


CurrentClient = Annotated[Client, Depends(_client)]
