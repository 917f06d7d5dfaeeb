"""What makes light requests cheap: they hand nothing to a thread, ask no container, and few routes and dependencies."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NoReturn, final

import httpx2
import pytest
from dependency_injector import providers
from fastapi.routing import APIRoute
from pydantic import SecretStr
from starlette.routing import Match

from entrypoints.container.root import build
from entrypoints.http.app import ROUTERS, create_app
from entrypoints.http.factory import app_on
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import SECRET
from tests.http.api import Api, an_api

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
_SOLVED = {"actor", "client", "in_body"}  # by the framework: what OpenAPI is to know of, or reads the body


@final
class CountingExecutor(ThreadPoolExecutor):
    taken = 0

    def submit(self, fn: Callable[..., Any], /, *given: Any, **by_name: Any) -> Future[Any]:
        self.taken += 1
        return super().submit(fn, *given, **by_name)


@pytest.fixture
async def api(databases: Databases) -> AsyncIterator[Api]:
    async with an_api(database_url=await databases.make(), throttle="on") as made:
        yield made


async def _light_requests(api: Api, tokens: dict[str, Any]) -> Sequence[httpx2.Response]:
    paths = ("/users/me", "/users/me/sessions", "/.well-known/jwks.json", "/health/live", "/health/ready")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    return [*[await api.http.get(path, headers=bearer) for path in paths], await api.refresh(tokens["refresh_token"])]


async def test_a_light_request_hands_nothing_to_a_thread(api: Api) -> None:
    tokens = await api.log_in()  # by now there is a connection
    executor, before = CountingExecutor(1), set(threading.enumerate())
    asyncio.get_running_loop().set_default_executor(executor)

    answers = await _light_requests(api, tokens)

    assert {answer.status_code for answer in answers} == {200}
    assert executor.taken == 0
    assert set(threading.enumerate()) <= before  # what FastAPI hands to a thread, it hands to one of its own


async def test_no_request_asks_the_container(api: Api) -> None:
    with ExitStack() as restored:
        for provider in api.container.traverse(types=[providers.Singleton]):
            restored.enter_context(provider.override(providers.Callable(_asked)))

        tokens = await api.log_in()
        answers = await _light_requests(api, tokens)

    assert {answer.status_code for answer in answers} == {200}


def _asked() -> NoReturn:
    raise AssertionError("the container was asked")


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" not in route.path], ids=lambda route: route.operation_id)
def test_the_route_of_a_plain_path_is_found_without_asking_any_other(route: APIRoute) -> None:
    first = create_app({}).router.routes[0]
    method = next(iter(route.methods or ()))

    match, found = first.matches({"type": "http", "method": method, "path": route.path})

    assert (match, found["route"]) == (Match.FULL, route)


def test_a_route_that_is_added_to_the_app_is_found_like_any_other() -> None:
    app = create_app({})

    app.add_api_route("/later", lambda: None)

    assert app.router.routes[0].matches({"type": "http", "method": "GET", "path": "/later"})[0] is Match.FULL


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_a_route_has_no_more_dependencies_to_be_solved_than_it_needs(route: APIRoute) -> None:
    assert {dependency.name for dependency in route.dependant.dependencies} <= _SOLVED


async def test_what_is_there_at_the_start_is_not_searched_for_garbage_again() -> None:
    settings = Settings(env="development", database_url=SecretStr("memory://"), secret_key=SecretStr(SECRET)).with_defaults()
    app, before = app_on(build(settings), settings), gc.get_threshold()
    gc.set_threshold(700)  # whatever apps of earlier tests have left
    try:
        async with app.router.lifespan_context(app):
            assert gc.get_freeze_count() > len(gc.get_objects())
            assert gc.get_threshold()[0] > 700
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
