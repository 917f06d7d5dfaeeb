"""Users in a dictionary."""

from dataclasses import replace
from typing import final

from adapters.memory.tables import Overlay
from domain.password import PasswordHash
from domain.user import User, UserId, UsernameTaken
from domain.username import Username


@final
class MemoryUserRepository:
    def __init__(self, users: Overlay[UserId, User], names: Overlay[str, UserId]) -> None:
        self._users = users
        self._names = names  # the unique index

    async def add(self, user: User) -> None:
        if self._names.get(user.username.key) is not None:
            raise UsernameTaken
        self._names.put(user.username.key, user.id)
        self._users.put(user.id, user)

    async def get(self, id: UserId) -> User | None:
        return self._users.get(id)

    async def lock(self, id: UserId) -> User | None:
        return self._users.get(id)

    async def lock_by_username(self, username: Username) -> User | None:
        found = self._names.get(username.key)
        return self._users.get(found) if found else None

    async def save(self, user: User) -> None:
        if self._users.get(user.id) is None:
            raise LookupError(user.id)
        self._users.put(user.id, user)

    async def upgrade_password(self, id: UserId, *, old: PasswordHash, new: PasswordHash) -> None:
        user = self._users.get(id)
        if user is not None and user.password_hash == old:
            self._users.put(id, replace(user, password_hash=new))
