"""What a database says when it cannot take a write, and what that means."""

import sqlite3

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from adapters.sql.errors import as_unavailable
from application.ports.unit_of_work import StoreUnavailable


def told_by_sqlalchemy(error: Exception) -> DBAPIError:
    return OperationalError("INSERT …", {}, error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DiskFullError("could not extend file: No space left on device"),
        asyncpg.OutOfMemoryError("out of memory"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.PostgresIOError("could not write to file"),
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.OperationalError("attempt to write a readonly database"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_rl01_storage_without_room_or_without_writes_is_away(error: Exception) -> None:
    assert as_unavailable(told_by_sqlalchemy(error)) is StoreUnavailable


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.PostgresSyntaxError("syntax error"),
        asyncpg.NotNullViolationError("null"),
        sqlite3.OperationalError("near: syntax"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_statement_that_is_wrong_is_a_bug(error: Exception) -> None:
    assert as_unavailable(told_by_sqlalchemy(error)) is None
