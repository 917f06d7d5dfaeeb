"""The same answers, told to OpenAPI: each with its example, under its status."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from application.ports.cursors import InvalidCursor
from application.ports.passwords import Overloaded
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import SchemaOutdated, StoreUnavailable
from domain.errors import Refusal
from domain.password import PasswordTooShort
from domain.throttle import Action, Limits, TooManyRequests
from entrypoints.http.problems import Problem, body_of, of_invalid, of_refusal

INVALID_BODY = of_invalid([{"type": "missing", "loc": ("body", "username")}])
INVALID_QUERY = of_invalid([{"type": "missing", "loc": ("query", "limit")}])
INVALID_CURSOR = of_refusal(InvalidCursor())
NOT_JSON = Problem(status=HTTPStatus.BAD_REQUEST, code="invalid_json", detail="The body is not a JSON object: malformed.")
WRONG_MEDIA_TYPE = Problem(
    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, code="unsupported_media_type", detail="Send application/json."
)
OVERLOADED = of_refusal(Overloaded())
STORAGE_UNAVAILABLE = of_refusal(StoreUnavailable())
SCHEMA_OUTDATED = of_refusal(SchemaOutdated())
NO_SIGNING_KEY = of_refusal(NoSigningKey())


def answers(*refusals: type[Refusal] | Problem) -> dict[int | str, dict[str, Any]]:
    """The same, for OpenAPI: each answer with its example, under its status."""
    documented: dict[int | str, dict[str, Any]] = {}
    for refusal in refusals:
        problem = refusal if isinstance(refusal, Problem) else of_refusal(_example(refusal))
        document(documented, problem, "application/problem+json", body_of(problem))
    return documented


def document(into: dict[int | str, dict[str, Any]], problem: Problem, media_type: str, body: Mapping[str, Any]) -> None:
    schema = "OAuthError" if "error" in body else "Problem"
    answer = into.setdefault(int(problem.status), {"description": problem.status.phrase, "content": {}})
    content = answer["content"].setdefault(media_type, {"schema": {"$ref": f"#/components/schemas/{schema}"}, "examples": {}})
    content["examples"][problem.code] = {"value": body}
    for name in problem.headers:
        answer.setdefault("headers", {})[name] = {"schema": {"type": "string"}}


SCHEMAS: dict[str, Any] = {
    "Problem": {
        "title": "Problem",
        "description": "RFC 9457. `code` is permanent; `detail` is for people.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "detail"],
                    "properties": {
                        "pointer": {"type": "string", "description": "A JSON pointer into the body (RFC 6901)."},
                        "code": {"type": "string"},
                        "detail": {"type": "string"},
                    },
                },
            },
        },
    },
    "OAuthError": {
        "title": "OAuthError",
        "description": "RFC 6749 5.2, with `detail` and our permanent `code`.",
        "type": "object",
        "required": ["error", "error_description", "detail", "code"],
        "properties": {name: {"type": "string"} for name in ("error", "error_description", "detail", "code")},
    },
}


_THE_TOKEN = {"requestBody": {"refresh_token": "$response.body#/refresh_token"}}
LINKS_OF_TOKENS: dict[str, Any] = {
    "refresh": {"operationId": "refresh", "description": "Spend the refresh token.", **_THE_TOKEN},
    "log_out": {"operationId": "log_out", "description": "End the session.", **_THE_TOKEN},
}


def _example(refusal: type[Refusal]) -> Refusal:
    return PasswordTooShort(15) if refusal is PasswordTooShort else refusal()


def _limited(action: Action) -> Problem:
    limit = Limits().of(action)
    return of_refusal(TooManyRequests(action, limit, limit.share))


TOO_MANY_SIGN_UPS = _limited(Action.SIGN_UP)
TOO_MANY_LOG_INS = _limited(Action.LOG_IN)
TOO_MANY_BAD_REFRESHES = _limited(Action.REFRESH)
TOO_MANY_QUESTIONS = _limited(Action.INTROSPECTION)
TOO_MANY_READS = _limited(Action.FEED)


def retold(problems: Iterable[Problem], media_type: str) -> dict[int | str, dict[str, Any]]:
    documented: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        document(documented, problem, media_type, body_of(problem))
    return documented
