"""Running a use case from the command line."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from entrypoints.settings import Settings

T = TypeVar("T")


def run(settings: Settings, act: Callable[[Mapping[type, Any]], Awaitable[T]]) -> T:
    """Wire everything, act on the use cases by class, and let go of the store."""
    from entrypoints.container.root import build, store_of, use_cases_of  # noqa: PLC0415 - half a second of imports

    async def within() -> T:
        container = build(settings)
        try:
            return await act(use_cases_of(container))
        finally:
            await store_of(container).close()

    return asyncio.run(within())
