"""Handing routes what they ask for, beside what was sent."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, final

from starlette.requests import HTTPConnection

T = TypeVar("T")
Endpoint = Callable[..., Coroutine[Any, Any, Any]]


@final
@dataclass(frozen=True, slots=True)
class Made:
    """Beside the type of a route's argument: how it is made for a request.

    A dependency of the framework's does the same, and costs as much as a middleware.
    """

    of: Callable[[HTTPConnection], Any]


def use(use_case: type[T]) -> Any:
    """Hands a route its use case, by class, from the container built at start."""

    def found(connection: HTTPConnection) -> T:
        made: T = connection.app.state.use_cases[use_case]
        return made

    found.__annotations__["use_case"] = use_case  # for the test that compares it with the route's annotation
    return Made(found)


def with_made(endpoint: Endpoint) -> Endpoint:
    """The endpoint as the framework is to see it: without the arguments that are `Made`, which each call adds."""
    signature = inspect.signature(endpoint)
    made = {name: asked.of for name, one in signature.parameters.items() if (asked := _asked_by(one.annotation))}
    if not made:
        return endpoint

    @wraps(endpoint)
    async def called(*, connection: HTTPConnection, **sent: Any) -> Any:
        return await endpoint(**sent, **{name: make(connection) for name, make in made.items()})

    by_name = inspect.Parameter.KEYWORD_ONLY
    rest = [one.replace(kind=by_name) for name, one in signature.parameters.items() if name not in made]
    connection = inspect.Parameter("connection", by_name, annotation=HTTPConnection)
    called.__signature__ = signature.replace(parameters=[*rest, connection])  # type: ignore[attr-defined]  # as inspect has it
    return called


def _asked_by(annotation: Any) -> Made | None:
    return next((each for each in getattr(annotation, "__metadata__", ()) if isinstance(each, Made)), None)
