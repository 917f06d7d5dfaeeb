"""Handing routes what they ask for, beside what was sent."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, final

from starlette.requests import HTTPConnection

T = TypeVar("T")
_FOUND = "portunus.found"
Endpoint = Callable[..., Coroutine[Any, Any, Any]]


@final
@dataclass(frozen=True, slots=True)
class Made:
    """Beside the type of a route's argument: how it is made for a request.

    A dependency of the framework's does the same, and costs as much as a middleware.
    """

    of: Callable[[HTTPConnection], Any]


@final
@dataclass(frozen=True, slots=True)
class FoundFirst:
    """The same for what has to be waited for, and may refuse: it is found before anything that was sent is parsed.

    `security` is what OpenAPI is told of the routes that ask for it.
    """

    by: Callable[[HTTPConnection], Awaitable[Any]]
    security: Sequence[Mapping[str, Sequence[str]]] = ()


def use(use_case: type[T]) -> Any:
    """Hands a route its use case, by class, from the container built at start."""

    def found(connection: HTTPConnection) -> T:
        made: T = connection.app.state.use_cases[use_case]
        return made

    found.__annotations__["use_case"] = use_case  # for the test that compares it with the route's annotation
    return Made(found)


def with_made(endpoint: Endpoint) -> Endpoint:
    """The endpoint as the framework is to see it: without the arguments that it is handed, which each call adds."""
    signature = inspect.signature(endpoint)
    parameters = signature.parameters.items()
    made = {name: asked.of for name, one in parameters if (asked := _asked_by(one.annotation, Made))}
    first = {name: found for name, one in parameters if (found := _asked_by(one.annotation, FoundFirst))}
    if not made and not first:
        return endpoint

    @wraps(endpoint)
    async def called(*, connection: HTTPConnection, **sent: Any) -> Any:
        if first:
            sent |= connection.scope[_FOUND]
        return await endpoint(**sent, **{name: make(connection) for name, make in made.items()})

    by_name = inspect.Parameter.KEYWORD_ONLY
    rest = [one.replace(kind=by_name) for name, one in parameters if name not in made and name not in first]
    connection = inspect.Parameter("connection", by_name, annotation=HTTPConnection)
    called.__signature__ = signature.replace(parameters=[*rest, connection])  # type: ignore[attr-defined]  # as inspect has it
    called.found_first = first  # type: ignore[attr-defined]  # an attribute of ours
    return called


def found_first(endpoint: Endpoint) -> Mapping[str, FoundFirst]:
    found: Mapping[str, FoundFirst] = getattr(endpoint, "found_first", {})
    return found


async def find_first(asked: Mapping[str, FoundFirst], connection: HTTPConnection) -> None:
    """For the endpoint, which is called when all that was sent is parsed."""
    connection.scope[_FOUND] = {name: await each.by(connection) for name, each in asked.items()}


def _asked_by(annotation: Any, kind: type[T]) -> T | None:
    return next((each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, kind)), None)
