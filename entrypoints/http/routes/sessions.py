"""Sessions: logging in, refreshing, logging out."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from domain.actor import InvalidAccessToken, NotAuthenticated
from domain.attempts import LogInClosed, TooManyFailures
from domain.password import PlainPassword
from domain.session import InvalidRefreshToken, TokenPair
from entrypoints.http.actor import bearer_token
from entrypoints.http.documented import (
    INVALID_BODY,
    NOT_JSON,
    OVERLOADED,
    STORAGE_UNAVAILABLE,
    TOO_MANY_BAD_REFRESHES,
    TOO_MANY_LOG_INS,
    WRONG_MEDIA_TYPE,
    answers,
)
from entrypoints.http.inject import use
from entrypoints.http.oauth import (
    UNSUPPORTED_GRANT_TYPE,
    OAuthRefused,
    OAuthRoute,
    oauth_answers,
    require_fields,
    require_no_client_secret,
)
from entrypoints.http.origin import RequestOrigin, give_device_token
from entrypoints.http.problems import Problem, ProblemRaised, of_refusal
from entrypoints.http.strict import StrictRequest, StrictRoute, require_media_type

router = APIRouter(tags=["sessions"], route_class=StrictRoute)
token_router = APIRouter(tags=["sessions"], route_class=OAuthRoute)

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_IN_QUERY = Problem(
    status=HTTPStatus.BAD_REQUEST, code="refresh_token_in_query", detail="Send refresh_token in the request body"
)


class TokenForm(BaseModel):
    """RFC 6749's password and refresh token grants. Parameters it does not know are ignored (RFC 6749 3.2)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "johndoe", "password": "correct horse battery staple"}]}
    )

    grant_type: str = Field(default="password", examples=["password"])
    username: str | None = Field(default=None, examples=["johndoe"])
    password: str | None = Field(
        default=None, repr=False, json_schema_extra={"format": "password"}, examples=["correct horse battery staple"]
    )
    refresh_token: str | None = Field(default=None, repr=False)
    scope: str = Field(default="", description="Ignored until scopes exist.")
    client_id: str | None = None
    client_secret: str | None = Field(default=None, repr=False, json_schema_extra={"format": "password"})


class TokensOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"access_token": "eyJ…", "refresh_token": "prt_…", "token_type": "bearer", "expires_in": 900},
            ]
        }
    )

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    token_type: str = "bearer"  # noqa: S105 - RFC 6750's name
    expires_in: int = Field(description="Seconds.")

    @classmethod
    def of(cls, tokens: TokenPair) -> Self:
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in=int(tokens.expires_in.total_seconds()),
        )


class RefreshBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    refresh_token: str = Field(repr=False, examples=["prt_…"])


# Neither is a parameter of the framework's, which would cost each request as much as all middleware.
BODIES = (TokenForm, RefreshBody)


async def _token_form(request: StrictRequest) -> TokenForm:
    if await request.body() or request.media_type:  # no body at all is a matter of fields
        require_media_type(request, _FORM)
    sent = await request.fields()
    return TokenForm.model_validate({name: value for name, value in sent.items() if value})  # RFC 6749 3.2: empty is missing


async def _refresh_token_in_body(request: StrictRequest) -> str | None:
    """From a JSON or a form body; `None` if there is no body."""
    if not await request.body():
        return None
    is_json = require_media_type(request, _JSON, _FORM) == _JSON
    fields = await request.json() if is_json else await request.fields()
    try:
        return RefreshBody.model_validate(fields).refresh_token
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**problem, "loc": ("body", *problem["loc"])} for problem in problems]) from None


_QUERY_IN_OPENAPI = {
    "name": "refresh_token",
    "in": "query",
    "required": False,
    "deprecated": True,
    "schema": {"anyOf": [{"type": "string"}, {"type": "null"}], "deprecated": True, "title": "Refresh Token"},
}


def _body_in_openapi(body: type[BaseModel], *media_types: str, required: bool) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"requestBody": {"required": required, "content": {media_type: {"schema": schema} for media_type in media_types}}}


@token_router.post(
    "/token",
    operation_id="log_in",
    summary="Log in",
    description="A log-in is answered with a token of the device: in a cookie, or in `Device-Token` where the request has that"
    " header. Sent along with later log-ins, it spares the user the waits that others' guesses cause. It is no credential.",
    openapi_extra=_body_in_openapi(TokenForm, _FORM, required=True),
    responses=oauth_answers(
        TOO_MANY_LOG_INS, of_refusal(TooManyFailures()), of_refusal(LogInClosed()), OVERLOADED, STORAGE_UNAVAILABLE
    ),
)
async def log_in(
    *,
    request: StrictRequest,
    response: Response,
    origin: RequestOrigin,
    login: Annotated[Login, use(Login)],
    refresh_access: Annotated[RefreshAccess, use(RefreshAccess)],
) -> TokensOut:
    form = await _token_form(request)
    require_no_client_secret(request, form.client_secret)
    match form.grant_type:
        case "password":
            require_fields(username=form.username, password=form.password)
            password = PlainPassword.parse(form.password or "")
            tokens = await login(identifier=form.username or "", password=password, origin=origin)
            give_device_token(request, response, tokens.device_token)
            return TokensOut.of(tokens)
        case "refresh_token":
            require_fields(refresh_token=form.refresh_token)
            return TokensOut.of(await refresh_access(refresh_token=form.refresh_token or "", origin=origin))
        case _:
            raise OAuthRefused("unsupported_grant_type", UNSUPPORTED_GRANT_TYPE)


@router.post(
    "/refresh",
    operation_id="refresh",
    summary="Trade a refresh token for the next pair",
    description="Each refresh token is good for one use; its successor comes with the answer.",
    openapi_extra={**_body_in_openapi(RefreshBody, _JSON, _FORM, required=True), "parameters": [_QUERY_IN_OPENAPI]},
    responses=answers(
        InvalidRefreshToken, _IN_QUERY, NOT_JSON, INVALID_BODY, WRONG_MEDIA_TYPE, TOO_MANY_BAD_REFRESHES, STORAGE_UNAVAILABLE
    ),
)
async def refresh(
    request: StrictRequest,
    response: Response,
    origin: RequestOrigin,
    refresh_access: Annotated[RefreshAccess, use(RefreshAccess)],
) -> TokensOut:
    in_body = await _refresh_token_in_body(request)
    in_query = request.query_params.get("refresh_token") if request.scope["query_string"] else None
    if in_query is None:
        require_fields(refresh_token=in_body)
        return TokensOut.of(await refresh_access(refresh_token=in_body or "", origin=origin))
    if not request.app.state.refresh_token_in_query or in_body is not None:
        raise ProblemRaised(_IN_QUERY.status, _IN_QUERY.code, _IN_QUERY.detail)
    response.headers["Deprecation"] = "@1764547200"  # RFC 9745
    # What stood in a URL may have been seen on the way: no second answer for it.
    return TokensOut.of(await refresh_access(refresh_token=in_query, origin=origin, grace=timedelta(0)))


@router.post(
    "/logout",
    operation_id="log_out",
    summary="End the session that a token belongs to",
    description="Takes the access token, expired or not, or the refresh token. A session that is over is no error.",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra={**_body_in_openapi(RefreshBody, _JSON, _FORM, required=False), "security": [{"Bearer": []}, {}]},
    responses=answers(
        NotAuthenticated,
        InvalidAccessToken,
        InvalidRefreshToken,
        NOT_JSON,
        INVALID_BODY,
        WRONG_MEDIA_TYPE,
        STORAGE_UNAVAILABLE,
    ),
)
async def log_out(request: StrictRequest, origin: RequestOrigin, logout: Annotated[Logout, use(Logout)]) -> None:
    in_body = await _refresh_token_in_body(request)
    await logout(access_token=bearer_token(request), refresh_token=in_body, origin=origin)
