"""Clients: asking about tokens (RFC 7662), and revoking them (RFC 7009)."""

from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from application.clients.introspect_token import IntrospectToken
from application.clients.revoke_token import RevokeToken
from domain.introspection import ActiveToken
from entrypoints.http.client import CurrentClient, TokenForm
from entrypoints.http.documented import NO_SIGNING_KEY, STORAGE_UNAVAILABLE, TOO_MANY_QUESTIONS
from entrypoints.http.inject import use
from entrypoints.http.oauth import OAuthRoute, client_answers, require_token
from entrypoints.http.origin import RequestOrigin

router = APIRouter(tags=["clients"], route_class=OAuthRoute)

_EXAMPLE: dict[str, Any] = {
    "active": True,
    "token_type": "Bearer",
    "client_id": "portunus",
    "username": "johndoe",
    "sub": "01a20e6c-ae10-77cc-8912-62dd01a7275a",
    "sid": "01a20e6c-b2f1-7d3e-8a0f-3b5d1c9e7f24",
    "iss": "https://id.example.com",
    "aud": "https://id.example.com",
    "exp": 1795621133,
}


class Introspected(BaseModel):
    """A token that is not active has no other member: no word of why (RFC 7662 2.2)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE, {"active": False}]})

    active: bool
    token_type: Literal["Bearer"] | None = Field(default=None, description="Of an access token.")
    client_id: str | None = None
    username: str | None = None
    sub: str | None = None
    sid: str | None = Field(default=None, description="The session, as in the access token.")
    iss: str | None = None
    aud: str | None = None
    exp: int | None = Field(default=None, description="Seconds since 1970.")

    @classmethod
    def of(cls, token: ActiveToken | None) -> Self:
        if token is None:
            return cls(active=False)
        return cls(
            active=True,
            token_type="Bearer" if token.is_access else None,
            client_id="portunus",
            username=token.actor.user.username.shown,
            sub=str(token.actor.user.id),
            sid=str(token.actor.session.id),
            iss=token.issuer,
            aud=token.audience,
            exp=int(token.expires_at.timestamp()),
        )


@router.post(
    "/introspect",
    operation_id="introspect",
    summary="Is this token good? (RFC 7662)",
    description="For confidential clients. Looks at an access or refresh token as it is at this moment; spends nothing.",
    response_model_exclude_none=True,
    responses=client_answers(TOO_MANY_QUESTIONS, STORAGE_UNAVAILABLE, NO_SIGNING_KEY),
)
async def introspect(
    form: TokenForm, client: CurrentClient, introspect_token: Annotated[IntrospectToken, use(IntrospectToken)]
) -> Introspected:
    return Introspected.of(await introspect_token(client=client, token=require_token(form.token)))


@router.post(
    "/revoke",
    operation_id="revoke",
    summary="End the session of a token (RFC 7009)",
    description="For confidential clients. A token that is unknown, forged or over is answered with 200: it is not good.",
    status_code=HTTPStatus.OK,
    response_class=Response,
    responses={
        200: {"description": "The token is good no longer."},
        **client_answers(TOO_MANY_QUESTIONS, STORAGE_UNAVAILABLE, NO_SIGNING_KEY),
    },
)
async def revoke(
    form: TokenForm, client: CurrentClient, origin: RequestOrigin, revoke_token: Annotated[RevokeToken, use(RevokeToken)]
) -> Response:
    await revoke_token(client=client, token=require_token(form.token), origin=origin)
    return Response()
