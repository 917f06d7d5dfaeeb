"""What is answered when the answer is no: RFC 9457 problems, and RFC 6749's errors at /token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from application.audit.prune_record import RecordFlawed
from application.ports.cursors import InvalidCursor
from application.ports.passwords import Overloaded, UnknownHashFormat
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import SchemaOutdated, StoreUnavailable, UnderWayElsewhere
from domain.actor import InvalidAccessToken, NotAuthenticated
from domain.attempts import LogInClosed, TooManyFailures
from domain.client import ClientExists, ClientUnknown, InvalidClient, InvalidClientId
from domain.email import InvalidEmail
from domain.errors import Refusal, Unavailable
from domain.password import (
    InvalidPassword,
    PasswordBreached,
    PasswordCommon,
    PasswordPersonal,
    PasswordPredictable,
    PasswordTooLong,
    PasswordTooShort,
)
from domain.session import InvalidRefreshToken, SessionUnknown
from domain.signing_key import RotationUnderWay, SigningKeyUnknown, UnusableSigningKey
from domain.throttle import Throttled, TooManyRequests, whole_seconds
from domain.user import CurrentPasswordWrong, InvalidCredentials, UsernameTaken, UserUnknown
from domain.username import InvalidUsername, UsernameReserved

STATUS: dict[type[Refusal], HTTPStatus] = {
    InvalidUsername: HTTPStatus.UNPROCESSABLE_ENTITY,
    UsernameReserved: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidEmail: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidPassword: HTTPStatus.UNPROCESSABLE_ENTITY,
    PasswordTooShort: HTTPStatus.UNPROCESSABLE_ENTITY,
    PasswordCommon: HTTPStatus.UNPROCESSABLE_ENTITY,
    PasswordPersonal: HTTPStatus.UNPROCESSABLE_ENTITY,
    PasswordPredictable: HTTPStatus.UNPROCESSABLE_ENTITY,
    PasswordBreached: HTTPStatus.UNPROCESSABLE_ENTITY,
    PasswordTooLong: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownHashFormat: HTTPStatus.UNPROCESSABLE_ENTITY,
    UsernameTaken: HTTPStatus.BAD_REQUEST,  # the tutorial's status
    UserUnknown: HTTPStatus.NOT_FOUND,
    InvalidClient: HTTPStatus.UNAUTHORIZED,
    InvalidClientId: HTTPStatus.UNPROCESSABLE_ENTITY,
    ClientExists: HTTPStatus.CONFLICT,
    ClientUnknown: HTTPStatus.NOT_FOUND,
    SigningKeyUnknown: HTTPStatus.NOT_FOUND,
    UnusableSigningKey: HTTPStatus.UNPROCESSABLE_ENTITY,
    RotationUnderWay: HTTPStatus.CONFLICT,
    CurrentPasswordWrong: HTTPStatus.FORBIDDEN,
    SessionUnknown: HTTPStatus.NOT_FOUND,
    RecordFlawed: HTTPStatus.CONFLICT,
    InvalidCursor: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidCredentials: HTTPStatus.UNAUTHORIZED,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    InvalidAccessToken: HTTPStatus.UNAUTHORIZED,
    InvalidRefreshToken: HTTPStatus.UNAUTHORIZED,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyFailures: HTTPStatus.TOO_MANY_REQUESTS,
    LogInClosed: HTTPStatus.TOO_MANY_REQUESTS,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    NoSigningKey: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    UnderWayElsewhere: HTTPStatus.SERVICE_UNAVAILABLE,
}

# The member of the body that a refusal of a use case is about.
_ABOUT: dict[type[Refusal], str] = {
    UsernameReserved: "username",
    CurrentPasswordWrong: "current_password",
    PasswordTooShort: "password",
    PasswordCommon: "password",
    PasswordPersonal: "password",
    PasswordPredictable: "password",
    PasswordBreached: "password",
}

_INVALID_TOKEN = (InvalidAccessToken, InvalidRefreshToken)  # RFC 6750 3.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One answer. `errors` are pairs of a JSON pointer into the body and what is wrong there."""

    status: HTTPStatus
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[Mapping[str, str]] = ()


class ProblemRaised(HTTPException):
    """A request that is refused before any use case is asked. (FastAPI lets an HTTPException through while it parses.)"""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(status, detail)
        self.problem = Problem(status=status, code=code, detail=detail)


def of_refusal(refusal: Refusal) -> Problem:
    kind = type(refusal)
    status = STATUS[kind]
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if kind in _INVALID_TOKEN else "Bearer"
    if isinstance(refusal, Unavailable):
        headers["Retry-After"] = str(refusal.retry_after)
    if isinstance(refusal, Throttled):
        headers |= _rate_limit(refusal)
    errors = [error([_ABOUT[kind]], refusal.code, refusal.detail)] if kind in _ABOUT else []
    return Problem(status=status, code=refusal.code, detail=refusal.detail, headers=headers, errors=errors)


def _rate_limit(refusal: Throttled) -> dict[str, str]:
    """draft-ietf-httpapi-ratelimit-headers-11, and RFC 9110 10.2.3."""
    wait, window = whole_seconds(refusal.retry_after), whole_seconds(refusal.window)
    return {
        "Retry-After": str(wait),
        "RateLimit-Policy": f'"{refusal.policy}";q={refusal.quota};w={window}',
        "RateLimit": f'"{refusal.policy}";r=0;t={wait}',
    }


def of_invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found wrong, without what was sent."""
    found = [_of_pydantic(problem) for problem in errors]
    return Problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="validation_failed",
        detail="The request is not valid: see `errors`.",
        errors=found,
    )


def of_status(status: int, headers: Mapping[str, str] | None) -> Problem:
    known = HTTPStatus(status)
    return Problem(status=known, code=known.name.lower(), detail=known.description or known.phrase, headers=headers or {})


def internal_error() -> Problem:
    return Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal_error",
        detail="Something is wrong on our side. The answer's X-Request-ID finds it in the log.",
    )


def error(path: Sequence[str], code: str, detail: str) -> dict[str, str]:
    """What is wrong at a place of the body, named by a JSON pointer (RFC 6901); `#` is the whole."""
    escaped = (part.replace("~", "~0").replace("/", "~1") for part in path)
    return {"pointer": "#" + "".join(f"/{part}" for part in escaped), "code": code, "detail": detail}


def respond(problem: Problem) -> JSONResponse:
    return JSONResponse(body_of(problem), problem.status, headers=dict(problem.headers), media_type="application/problem+json")


def body_of(problem: Problem) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:portunus:{problem.code}",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    return body


def oauth_body(name: str, problem: Problem) -> dict[str, Any]:
    """RFC 6749 5.2's members, the tutorial's `detail`, and our `code`."""
    return {"error": name, "error_description": problem.detail, "detail": problem.detail, "code": problem.code}


_DETAILS = {
    "missing": "This member is required.",
    "repeated": "This is given more than once.",
    "extra_forbidden": "There is no such member.",
    "string_type": "This must be text.",
    "dict_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
}


def _of_pydantic(problem: Mapping[str, Any]) -> dict[str, str]:
    pointer = [str(part) for part in problem["loc"] if part != "body"]
    refusal = problem.get("ctx", {}).get("error")
    if isinstance(refusal, Refusal):
        return error(pointer, refusal.code, refusal.detail)
    kind = str(problem["type"])
    if kind == "extra_forbidden":
        pointer = []  # its name is what was sent
    return error(pointer, kind, _DETAILS.get(kind, "This is not valid."))


_CLOSE = {"Connection": "close"}
NOT_FOUND = of_status(HTTPStatus.NOT_FOUND, None)
MALFORMED = Problem(
    status=HTTPStatus.BAD_REQUEST, code="malformed_request", detail="The request is not as RFC 9112 has it.", headers=_CLOSE
)
TOO_LARGE = Problem(
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    code="request_entity_too_large",
    detail="The body is larger than 16384 bytes.",
    headers=_CLOSE,
)
HEAD_TOO_LARGE = Problem(
    status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    code="request_header_fields_too_large",
    detail="There are more than 100 headers, or the path and they have more than 16384 bytes.",
    headers=_CLOSE,
)
TOO_SLOW = Problem(
    status=HTTPStatus.REQUEST_TIMEOUT,
    code="request_timeout",
    detail="The request took too long to come.",
    headers=_CLOSE,
)
AT_CAPACITY = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code="at_capacity",
    detail="Too many requests are under way at the moment. Try again shortly.",
    headers={"Retry-After": "1"},
)
