"""Bring a user from another system."""

from dataclasses import dataclass
from typing import final

from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.passwords import PasswordHasher
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.email import EmailAddress
from domain.password import PasswordHash
from domain.user import User
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUser:
    """Open an account whose password is known only as a hash made elsewhere; the first log-in replaces the hash.

    Raises `UnknownHashFormat` for a hash that could never be verified, and `UsernameTaken`.
    """

    store: Store
    hasher: PasswordHasher
    ids: Ids
    clock: Clock

    async def __call__(self, *, username: Username, email: EmailAddress, password_hash: PasswordHash) -> User:
        username.require_unreserved()
        self.hasher.require_readable(password_hash)
        user = User(
            id=self.ids.user(),
            username=username,
            email=email,
            password_hash=password_hash,
            registered_at=self.clock.now(),
        )
        async with self.store.begin() as work:
            await work.users.add(user)
            await work.audit.add(by_operator(Action.USER_IMPORT, user_id=user.id))
            await work.commit()
        return user
