"""Routes that have nothing for the framework to parse are called without it, and answer as they would with it."""

from http import HTTPStatus
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from domain.session import InvalidRefreshToken
from entrypoints.http.app import ROUTERS
from entrypoints.http.plain import asks_nothing
from entrypoints.http.strict import StrictRoute

HOTTEST = {"/users/me", "/refresh", "/token", "/logout"}


class Greeting(BaseModel):
    message: str
    times: int | None = None


async def model() -> Greeting:
    return Greeting(message="hé\N{SNOWMAN}")


async def list_of_models(request: Request) -> list[Greeting]:
    return [Greeting(message=request.url.path, times=2)]


async def nothing() -> None:
    return None


async def with_headers(response: Response) -> Greeting:
    response.headers["Location"] = "/there"
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return Greeting(message="")


async def a_response() -> Response:
    return Response("as it is", HTTPStatus.ACCEPTED, {"X-Own": "1"}, "text/plain")


async def refusing() -> Greeting:
    raise InvalidRefreshToken


def _app(route_class: type[APIRoute]) -> FastAPI:
    router = APIRouter(route_class=route_class)
    for endpoint in (model, list_of_models, with_headers, a_response, refusing):
        router.get(f"/{endpoint.__name__}")(endpoint)
    router.post("/nothing", status_code=HTTPStatus.NO_CONTENT)(nothing)
    router.post("/created", status_code=HTTPStatus.CREATED)(model)
    app = FastAPI()
    app.router.routes.extend(router.routes)

    @app.exception_handler(InvalidRefreshToken)
    async def refused(_: Request, error: Exception) -> Response:
        return Response(type(error).__name__, HTTPStatus.UNAUTHORIZED)

    return app


async def _ask(route_class: type[APIRoute], method: str, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=_app(route_class))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/model"),
        ("GET", "/list_of_models"),
        ("GET", "/with_headers"),
        ("GET", "/a_response"),
        ("GET", "/refusing"),
        ("POST", "/nothing"),
        ("POST", "/created"),
        ("PUT", "/model"),
        ("GET", "/model?unknown=1"),
    ],
)
async def test_what_is_answered_is_what_the_framework_would_answer(method: str, path: str) -> None:
    plain, framework = await _ask(StrictRoute, method, path), await _ask(APIRoute, method, path)

    assert plain.status_code == framework.status_code
    assert plain.content == framework.content
    for name in framework.headers:
        if name != "content-type" or framework.content:  # of nothing there is no type
            assert plain.headers.get_list(name) == framework.headers.get_list(name)


async def test_who_asks_for_something_is_called_by_the_framework() -> None:
    async def twice(times: int = Query(ge=1)) -> Greeting:
        return Greeting(message="", times=times * 2)

    route: Any = StrictRoute("/twice", twice)

    assert not asks_nothing(route)


def test_the_hottest_routes_have_nothing_for_the_framework_to_parse() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]

    assert {route.path for route in routes if asks_nothing(route)} >= HOTTEST
