"""User names: public, permanent enough to be an identity, never an address."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self
from uuid import UUID

from domain.errors import Refusal

# Matched before folding: `"K".lower()` (the Kelvin sign) is an ASCII "k", so a check of the folded text would let it in.
_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_RESERVED = frozenset(
    "admin administrator anonymous api auth everyone guest help hostmaster info me moderator nobody null operator owner"
    " portunus postmaster root security staff superuser support sysadmin system undefined user users webmaster".split()
)


class InvalidUsername(Refusal):
    code: ClassVar[str] = "invalid_username"
    detail = "Use 1 to 64 ASCII letters, digits, '.', '_' or '-', beginning with a letter or a digit."


class UsernameReserved(Refusal):
    code: ClassVar[str] = "username_reserved"
    detail = "This name is reserved. Choose another."


@dataclass(frozen=True, slots=True)
class Username:
    """A name as its owner writes it. `key` is what must be unique: two names that differ only in case are one."""

    shown: str

    def __post_init__(self) -> None:
        if not _SHAPE.fullmatch(self.shown):
            raise InvalidUsername

    @property
    def key(self) -> str:
        return self.shown.lower()

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text.strip(" \t\r\n"))

    def require_unreserved(self) -> None:
        """Asked of new names only, so that the list can grow. A UUID is reserved because `sub` is one."""
        if self.key in _RESERVED or _is_uuid(self.key):
            raise UsernameReserved


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
