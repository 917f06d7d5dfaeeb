"""Telling a database that is away from a bug."""

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from application.ports.unit_of_work import SchemaOutdated, StoreUnavailable
from domain.errors import Unavailable

READ_ONLY = "25006"
# Classes of SQLSTATE: connection, authorization, unknown database, resources, operator intervention (57014 among them, a
# statement that took too long), system, and configuration file; then lock timeout, deadlock, serialization, a database
# that takes no connections for now, read-only.
_AWAY = ("08", "28", "3D", "53", "57", "58", "F0")
_NOT_ALLOWED = "42501"  # what the audit trail cannot take, must not be done
_BUSY = frozenset({_NOT_ALLOWED, "55P03", "40P01", "40001", "55000", READ_ONLY})
_NO_SUCH_RELATION = frozenset({"42P01", "42703"})
_SQLITE_AWAY = ("locked", "unable to open", "readonly database", "disk i/o error", "is full", "not a database")


def sqlstate(error: BaseException) -> str:
    source = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(source, "sqlstate", None) or "")


def as_unavailable(error: BaseException) -> type[Unavailable] | None:
    """What to answer, if `error` says that storage is away, busy or not migrated; `None` if it is a bug."""
    if isinstance(error, (OSError, TimeoutError, PoolTimeout)):
        return StoreUnavailable
    state = sqlstate(error)
    if state in _NO_SUCH_RELATION:
        return SchemaOutdated
    if state.startswith(_AWAY) or state in _BUSY:
        return StoreUnavailable
    if isinstance(error, (DBAPIError, sqlite3.Error)):
        text = str(getattr(error, "orig", error)).lower()
        if "no such table" in text or "no such column" in text:
            return SchemaOutdated
        if getattr(error, "connection_invalidated", False) or any(sign in text for sign in _SQLITE_AWAY):
            return StoreUnavailable
    return StoreUnavailable if _of_the_driver(error) and not state else None


def _of_the_driver(error: BaseException) -> bool:
    """asyncpg's own errors have no SQLSTATE: "connection is closed", "none of the hosts match". A bad argument is a bug."""
    source = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    return type(source).__module__.startswith("asyncpg") and not isinstance(source, ValueError)
