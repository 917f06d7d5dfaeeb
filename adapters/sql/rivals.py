"""Statements that a rival's made PostgreSQL roll back."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

from adapters.sql.errors import sqlstate

T = TypeVar("T")

_ROLLED_BACK = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_TIMES = 2
_LONGEST_PAUSE_MS = 50


async def again_after(error: Exception, run: Callable[[], Awaitable[T]]) -> T:
    """Run what failed with `error` again, twice at most, if it was rolled back for a rival; else raise the error.

    For what is one transaction: nothing of it has happened, so that to run it again is to run it once.
    """
    for _ in range(_TIMES):
        if sqlstate(error) not in _ROLLED_BACK:
            break
        await asyncio.sleep(secrets.randbelow(_LONGEST_PAUSE_MS) / 1000)  # or both meet again
        try:
            return await run()
        except (DBAPIError, PostgresError) as another:
            error = another
    raise error
