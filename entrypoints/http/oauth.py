"""How the routes of OAuth speak: RFC 6749's errors."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from domain.client import InvalidClient
from domain.errors import Refusal, Unavailable
from domain.password import PasswordTooLong
from domain.session import InvalidRefreshToken
from domain.throttle import Throttled
from domain.user import InvalidCredentials
from entrypoints.http.documented import INVALID_BODY, WRONG_MEDIA_TYPE, document, retold
from entrypoints.http.problems import Problem, ProblemRaised, oauth_body, of_refusal
from entrypoints.http.strict import StrictRoute

_UNAUTHORIZED = HTTPStatus.UNAUTHORIZED
_BAD_REQUEST = HTTPStatus.BAD_REQUEST

INVALID_CLIENT = Problem(
    status=_UNAUTHORIZED,
    code="invalid_client",
    detail="No client logs in here: leave client_secret out.",
    headers={"WWW-Authenticate": 'Basic realm="portunus"'},
)
UNSUPPORTED_GRANT_TYPE = Problem(
    status=_BAD_REQUEST, code="unsupported_grant_type", detail="grant_type is `password` or `refresh_token`."
)
NO_TOKEN = Problem(status=_BAD_REQUEST, code="token_missing", detail="Send the token in the form, as `token`.")
MALFORMED = Problem(status=_BAD_REQUEST, code="invalid_form", detail="The body is not a form: a field is repeated.")


class OAuthRefused(Exception):
    """A refusal with a name in RFC 6749 5.2."""

    def __init__(self, name: str, problem: Problem) -> None:
        self.name = name
        self.problem = problem


class OAuthRoute(StrictRoute):
    """Answers errors as `application/json` with `error`, as OAuth clients expect. 413, 415, 422, 429 and 503 stay problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def in_oauth(request: Request) -> Response:
            try:
                return await handle(request)
            except OAuthRefused as refused:
                return _respond(refused.name, refused.problem)
            except (Unavailable, Throttled):
                raise
            except Refusal as refusal:
                return _respond(*_named(refusal))
            except ProblemRaised as raised:
                if raised.problem.status is not _BAD_REQUEST:
                    raise
                return _respond("invalid_request", raised.problem)

        return in_oauth


def require_no_client_secret(request: Request, client_secret: str | None) -> None:
    """An empty id and secret, as Swagger UI sends, are no client authentication; any other secret is refused."""
    values = request.headers.getlist("authorization")
    basic = [value.partition(" ")[2].strip(" ") for value in values if value.partition(" ")[0].lower() == "basic"]
    if client_secret or any(_decode(value) != b":" for value in basic):
        raise OAuthRefused("invalid_client", INVALID_CLIENT)


def require_fields(**fields: str | None) -> None:
    """Raises the answer for missing fields, as FastAPI would. An empty field is a missing one."""
    missing = [{"type": "missing", "loc": ("body", name)} for name, value in fields.items() if not value]
    if missing:
        raise RequestValidationError(missing)


def require_token(token: str | None) -> str:
    """Raises RFC 6749's `invalid_request` without one. An empty parameter is a missing one (RFC 6749 3.2)."""
    if not token:
        raise OAuthRefused("invalid_request", NO_TOKEN)
    return token


def client_answers(*unavailable: Problem) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: what routes for clients answer."""
    documented = retold([INVALID_BODY, WRONG_MEDIA_TYPE, *unavailable], "application/problem+json")
    for name, problem in [("invalid_request", MALFORMED), ("invalid_request", NO_TOKEN), _named(InvalidClient())]:
        document(documented, problem, "application/json", oauth_body(name, problem))
    return documented


def oauth_answers(*unavailable: Problem) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: what `OAuthRoute` answers."""
    documented = retold(
        [INVALID_BODY, WRONG_MEDIA_TYPE, *unavailable],
        "application/problem+json",
    )
    named = [_named(refusal) for refusal in (InvalidCredentials(), InvalidRefreshToken(), PasswordTooLong())]
    named += [("invalid_request", MALFORMED), ("unsupported_grant_type", UNSUPPORTED_GRANT_TYPE)]
    for name, problem in [*named, ("invalid_client", INVALID_CLIENT)]:
        document(documented, problem, "application/json", oauth_body(name, problem))
    return documented


def _named(refusal: Refusal) -> tuple[str, Problem]:
    problem = of_refusal(refusal)
    if isinstance(refusal, InvalidClient):  # RFC 6749 5.2
        return "invalid_client", replace(problem, headers=INVALID_CLIENT.headers)
    if isinstance(refusal, InvalidCredentials):
        return "invalid_grant", problem
    name = "invalid_grant" if isinstance(refusal, InvalidRefreshToken) else "invalid_request"
    return name, Problem(status=_BAD_REQUEST, code=problem.code, detail=problem.detail)


def _respond(name: str, problem: Problem) -> Response:
    return JSONResponse(oauth_body(name, problem), problem.status, headers=dict(problem.headers))


def _decode(value: str) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
