"""Users in SQL."""

from collections.abc import Iterable
from typing import Any, final

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.errors import as_unavailable
from adapters.sql.hot import HotStatement, HotStatements, given
from adapters.sql.schema import users
from domain.email import EmailAddress
from domain.password import PasswordHash
from domain.user import User, UserId, UsernameTaken
from domain.username import Username

_log: Any = structlog.get_logger("portunus.storage")


@final
class SqlUserRepository:
    def __init__(self, connection: AsyncConnection, hot: HotStatements) -> None:
        self._connection = connection
        self._hot = hot
        self._insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert

    async def add(self, user: User) -> None:
        row = _to_row(user)
        if not await self._hot.fetch_within(self._connection, "a new user", lambda: self._adding(row), row):
            raise UsernameTaken

    def _adding(self, names: Iterable[str]) -> HotStatement:
        # Not an error to be rolled back to a savepoint, which is two more statements.
        added = self._insert(users).values({name: given(name) for name in names})
        return added.on_conflict_do_nothing(index_elements=[users.c.username_key]).returning(users.c.id)

    async def get(self, id: UserId) -> User | None:
        row = (await self._connection.execute(select(users).where(users.c.id == id))).one_or_none()
        return user_from_row(row) if row else None

    async def lock(self, id: UserId) -> User | None:
        return await self._lock(users.c.id == id)

    async def lock_by_username(self, username: Username) -> User | None:
        return await self._lock(users.c.username_key == username.key)

    async def _lock(self, which: ColumnElement[bool]) -> User | None:
        row = (await self._connection.execute(select(users).where(which).with_for_update())).one_or_none()
        return user_from_row(row) if row else None

    async def save(self, user: User) -> None:
        saved = await self._connection.execute(update(users).where(users.c.id == user.id).values(_to_row(user)))
        if saved.rowcount != 1:
            raise LookupError(user.id)

    async def upgrade_password(self, id: UserId, *, old: PasswordHash, new: PasswordHash) -> None:
        better = update(users).where(users.c.id == id, users.c.password_hash == old.text).values(password_hash=new.text)
        try:
            async with self._connection.begin_nested():
                await self._connection.execute(better)
        except DBAPIError as error:
            if as_unavailable(error):
                raise
            _log.warning("password_upgrade_failed", user_id=str(id), error=type(error.orig).__name__)


def user_from_row(row: Any) -> User:
    return User(
        id=UserId(row.id),
        username=Username(row.username),
        email=EmailAddress(row.email),
        email_verified_at=row.email_verified_at,
        password_hash=PasswordHash(row.password_hash),
        registered_at=row.registered_at,
        disabled_at=row.disabled_at,
        generation=row.generation,
    )


def _to_row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username.shown,
        "username_key": user.username.key,
        "email": user.email.text,
        "email_verified_at": user.email_verified_at,
        "password_hash": user.password_hash.text,
        "registered_at": user.registered_at,
        "disabled_at": user.disabled_at,
        "generation": user.generation,
    }
