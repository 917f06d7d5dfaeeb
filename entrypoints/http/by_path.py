"""Finding the route of a path at once."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn, final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send


@final
class RoutesByPath(BaseRoute):
    """Stands before all routes, and finds the one of a path that has no parameters. Asked in turn, each would take its time.

    What it does not find is left to those that stand behind it.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        route = self._found.get((scope.get("method", ""), scope["path"]))
        return (Match.NONE, {}) if route is None else route.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> NoReturn:
        raise NoMatchFound(name, path_params)

    @cached_property
    def _found(self) -> Mapping[tuple[str, str], APIRoute]:
        """Made at the first request: until then there may be more of them."""
        plain = [route for route in self._routes if isinstance(route, APIRoute) and not route.param_convertors]
        return {(method, route.path): route for route in reversed(plain) for method in route.methods or ()}
