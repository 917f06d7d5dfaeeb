"""Storing users."""

from typing import Protocol

from domain.password import PasswordHash
from domain.user import User, UserId
from domain.username import Username


class UserRepository(Protocol):
    async def add(self, user: User) -> None:
        """Raises `UsernameTaken`; the work can go on after it. The store's own constraint decides."""
        ...

    async def get(self, id: UserId) -> User | None: ...

    async def lock(self, id: UserId) -> User | None:
        """Read it so that no rival changes it before this work ends."""
        ...

    async def lock_by_username(self, username: Username) -> User | None:
        """As `lock`."""
        ...

    async def save(self, user: User) -> None:
        """Replace what is stored. Only of a user read with `lock…` in the same work."""
        ...

    async def upgrade_password(self, id: UserId, *, old: PasswordHash, new: PasswordHash) -> None:
        """Store a better hash of the same password, unless the hash is no longer `old`.

        Where it cannot be stored that is reported, and the work goes on: a log-in does not fail for it.
        """
        ...
