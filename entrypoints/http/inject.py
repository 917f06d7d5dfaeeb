"""Handing routes their use cases."""

from typing import Any, TypeVar

from fastapi import Depends, Request

T = TypeVar("T")


def use(use_case: type[T]) -> Any:
    """A dependency that hands a route its use case, by class, from the container built at start."""

    async def resolve(request: Request) -> T:
        made: T = request.app.state.use_cases[use_case]
        return made

    resolve.__annotations__["use_case"] = use_case  # for the test that compares it with the route's annotation
    return Depends(resolve)
