"""Asking whether a password has leaked."""

from enum import Enum
from typing import Protocol

from domain.password import PlainPassword


class Breach(Enum):
    FOUND = "found"
    NOT_FOUND = "not found"
    NOT_ASKED = "not asked"  # nothing is set to be asked, or it gave no answer


class Breaches(Protocol):
    async def look_up(self, password: PlainPassword) -> Breach:
        """Whether it is in a collection of passwords that leaked.

        Answers within half a second and stalls nothing else. Never raises: where there is no answer, that is recorded, and the
        password may pass.
        """
        ...
