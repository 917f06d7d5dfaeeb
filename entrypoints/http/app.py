"""The application: routes, what holds for all of them, and how refusals are answered."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from domain.client_address import Network
from domain.errors import Refusal
from entrypoints.http.actor import SECURITY_SCHEMES
from entrypoints.http.by_path import RoutesByPath
from entrypoints.http.capacity import ALWAYS_ANSWERED, RequestsAtOnce
from entrypoints.http.docs import add_docs
from entrypoints.http.documented import LINKS_OF_TOKENS, SCHEMAS, answers
from entrypoints.http.middleware import Bugs, RequestContext, RequestLimits
from entrypoints.http.pace import Pace
from entrypoints.http.problems import (
    AT_CAPACITY,
    HEAD_TOO_LARGE,
    MALFORMED,
    TOO_LARGE,
    TOO_SLOW,
    ProblemRaised,
    internal_error,
    of_invalid,
    of_refusal,
    of_status,
    respond,
)
from entrypoints.http.proxies import ClientBehindProxies
from entrypoints.http.routes import accounts, clients, keys, own_activity, own_sessions, passwords, sessions, upkeep
from entrypoints.http.throttling import RoomForLogIn, ThrottleByAddress

VERSION = version("portunus")
ROUTERS = (
    accounts.router,
    passwords.router,
    sessions.token_router,
    sessions.router,
    own_sessions.router,
    own_activity.router,
    keys.router,
    clients.router,
    upkeep.router,
)
_TAGS = [
    {"name": "accounts", "description": "Signing up, and one's own account."},
    {"name": "sessions", "description": "Logging in, refreshing, logging out; one's own sessions."},
    {"name": "keys", "description": "What other services need to verify access tokens."},
    {"name": "clients", "description": "For programs with a secret of their own: asking about tokens, and revoking them."},
    {"name": "health", "description": "For load balancers and supervisors."},
]
_UNTOLD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}  # it tells of bodies and messages of errors
_OF_ALL = (MALFORMED, TOO_LARGE, HEAD_TOO_LARGE, TOO_SLOW)
_INVALID = str(int(HTTPStatus.UNPROCESSABLE_ENTITY))
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    use_cases: Mapping[type, Any],
    *,
    cors_origins: tuple[str, ...] = (),
    trusted_proxies: tuple[Network, ...] = (),
    https: bool = False,
    refresh_token_in_query: bool = False,
    docs: bool = True,
    max_requests: int = 5000,
    request_timeout: timedelta = timedelta(seconds=10),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    app = FastAPI(
        title="Portunus",
        version=VERSION,
        description="Sign up, log in, refresh, log out. Errors are RFC 9457 problems with a permanent `code`.",
        openapi_tags=_TAGS,
        openapi_url="/openapi.json" if docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # /token/ is no other spelling of /token
        lifespan=lifespan,
        telemetry=_UNTOLD,
    )
    app.state.use_cases = use_cases
    app.state.refresh_token_in_query = refresh_token_in_query
    app.state.feed_entry_of = keys.remembered_entries()
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    app.router.routes.insert(0, RoutesByPath(app.router.routes))
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # a router that is included would look for each route twice
    if docs:
        add_docs(app)
    app.add_middleware(RoomForLogIn, use_cases=use_cases)  # within the next, which reads the body as a whole
    app.add_middleware(RequestLimits, patience=request_timeout)
    app.add_middleware(ThrottleByAddress, use_cases=use_cases)
    app.add_middleware(RequestsAtOnce, most=max_requests)
    app.add_middleware(Bugs)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID", "Device-Token"],
            expose_headers=["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy", "Device-Token"],
        )
    if trusted_proxies:
        app.add_middleware(ClientBehindProxies, trusted=trusted_proxies)
    app.add_middleware(RequestContext, https=https, cors=bool(cors_origins))
    app.add_middleware(Pace)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise TypeError(error)
    return respond(of_refusal(error))


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError(error)
    return respond(of_invalid(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    if isinstance(error, ProblemRaised):
        return respond(error.problem)
    if not isinstance(error, HTTPException):
        raise TypeError(error)
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": _allowed(request.scope) or (headers or {}).get("Allow", "GET, HEAD")}
    return respond(of_status(error.status_code, headers))


def _allowed(scope: Scope) -> str:
    """Every method of the path: the framework names those of the first route that fits."""
    routes = (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    fitting = (route for route in routes if route.matches(scope)[0] is not Match.NONE)
    return ", ".join(sorted({method for route in fitting for method in route.methods or ()}))


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        schemas = schema["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas.update(SCHEMAS, **{body.__name__: body.model_json_schema() for body in sessions.BODIES})
        schema["components"]["securitySchemes"] = SECURITY_SCHEMES | schema["components"]["securitySchemes"]
        for path, operations in schema["paths"].items():
            of_all = _OF_ALL if path == ALWAYS_ANSWERED else (*_OF_ALL, AT_CAPACITY)
            for operation in operations.values():
                invalid = operation["responses"].get(_INVALID, {"content": {}})
                invalid["content"].pop("application/json", None)  # FastAPI's own form of a 422
                if not invalid["content"]:
                    operation["responses"].pop(_INVALID, None)
                _add_answers(operation["responses"], answers(*of_all, internal_error()))
        for path in ("/token", "/refresh"):
            schema["paths"][path]["post"]["responses"]["200"]["links"] = LINKS_OF_TOKENS
        app.openapi_schema = schema
    return app.openapi_schema


def _add_answers(responses: dict[str, Any], more: dict[int | str, dict[str, Any]]) -> None:
    """What every route can answer, beside what it answers itself."""
    for status, answer in more.items():
        own = responses.setdefault(str(status), answer)
        for media_type, content in answer["content"].items():
            own["content"].setdefault(media_type, content)["examples"].update(content["examples"])
        own.setdefault("headers", {}).update(answer.get("headers", {}))
