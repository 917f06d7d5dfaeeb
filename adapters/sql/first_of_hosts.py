"""Connecting to whichever of several PostgreSQL hosts will do."""

import asyncio
from collections.abc import Generator
from typing import Any, final

import asyncpg


@final
class connect_to_the_first:  # noqa: N801 - for whoever awaits it a function
    """The first to answer as `target_session_attrs` demands; all are asked at once.

    asyncpg asks one after another within one timeout, so that a host which has gone dark would hide those behind it.
    Nothing is begun before it is awaited: SQLAlchemy makes it before it looks whether it can wait.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options

    def __await__(self) -> Generator[Any, Any, asyncpg.Connection]:
        return _connect(**self._options).__await__()


async def _connect(
    *, host: str | list[str] | None = None, port: int | list[int] | None = None, **options: Any
) -> asyncpg.Connection:
    if not (isinstance(host, list) and isinstance(port, list)):
        return await asyncpg.connect(host=host, port=port, **options)
    asked = {asyncio.create_task(asyncpg.connect(host=one, port=its, **options)) for one, its in zip(host, port, strict=True)}
    try:
        return await _first(asked)
    finally:
        for connecting in asked:
            connecting.add_done_callback(_let_go)
            connecting.cancel()


async def _first(asked: set[asyncio.Task[asyncpg.Connection]]) -> asyncpg.Connection:
    """Taken out of `asked`. If all fail, the error of whichever failed last."""
    while True:
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for connecting in done:
            asked.remove(connecting)
            if not asked or connecting.exception() is None:
                return connecting.result()


def _let_go(connecting: asyncio.Task[asyncpg.Connection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().terminate()
