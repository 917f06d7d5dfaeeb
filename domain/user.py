"""Users."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, NewType, Self
from uuid import UUID

from domain.email import EmailAddress
from domain.errors import Refusal
from domain.password import PasswordHash
from domain.username import Username

UserId = NewType("UserId", UUID)


class UsernameTaken(Refusal):
    code: ClassVar[str] = "username_taken"
    detail = "Username already registered"


class InvalidCredentials(Refusal):
    """An unknown name, a wrong password, a disabled account: one answer, so that it tells nothing."""

    code: ClassVar[str] = "invalid_credentials"
    detail = "Incorrect username or password"


class CurrentPasswordWrong(Refusal):
    """Of a caller who is known: a log-in says `InvalidCredentials` instead."""

    code: ClassVar[str] = "current_password_wrong"
    detail = "This is not your current password."


class UserUnknown(Refusal):
    """For operators, who may know who is registered."""

    code: ClassVar[str] = "user_unknown"
    detail = "No user has this name."


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: UserId
    username: Username
    email: EmailAddress
    email_verified_at: datetime | None = None
    password_hash: PasswordHash
    registered_at: datetime
    disabled_at: datetime | None = None
    generation: int = 0  # sessions of an older generation are dead

    def disable(self, at: datetime) -> Self:
        """Bar the user from signing in, and end every session. The first disabling is the one remembered."""
        return self if self.disabled_at else replace(self, disabled_at=at, generation=self.generation + 1)

    def enable(self) -> Self:
        """Let the user sign in again. What was ended stays ended."""
        return replace(self, disabled_at=None)

    def with_new_password(self, password_hash: PasswordHash) -> Self:
        """A changed secret ends what the old one opened. (The same secret hashed anew does not: that is an upgrade.)"""
        return replace(self, password_hash=password_hash, generation=self.generation + 1)
