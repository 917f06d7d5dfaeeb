"""Calling a route that has nothing for the framework to parse, which takes longer over that than the route may take itself."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def asks_nothing(route: APIRoute) -> bool:
    """Of the path, the query, the headers, the body; and no dependency, nor work for later. Else the framework is to do it."""
    of = route.dependant
    parsed = (of.path_params, of.query_params, of.header_params, of.cookie_params, of.body_params, of.dependencies)
    return not any(parsed) and of.background_tasks_param_name is None


def plainly(route: APIRoute) -> Handler:
    """What the framework would do with such a route: call it, and send what it returns, by the type that it declares."""
    call: Any = route.dependant.call
    requests = [name for name in (route.dependant.request_param_name, route.dependant.http_connection_param_name) if name]
    own = route.dependant.response_param_name
    status = route.status_code or 200
    to_json = TypeAdapter(route.response_model).dump_json if route.response_model else None

    async def handle(request: Request) -> Response:
        given: dict[str, Any] = dict.fromkeys(requests, request)
        if own:
            given[own] = Response()
            del given[own].headers["content-length"]
        answer = await call(**given)
        if isinstance(answer, Response):
            return answer
        response = Response(to_json(answer), status, None, "application/json") if to_json else Response(None, status)
        if own:
            response.raw_headers += given[own].raw_headers
        return response

    return handle


def answering(handle: Handler, request_type: type[Request]) -> ASGIApp:
    """What is raised is for the app to answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(request_type(scope, receive))
        await response(scope, receive, send)

    return app
