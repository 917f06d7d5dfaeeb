"""Who am I?"""

from dataclasses import dataclass
from typing import final

from domain.actor import Actor
from domain.user import User


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GetCurrentUser:
    """The caller's own account, as `Authenticate` has just read it."""

    async def __call__(self, *, actor: Actor) -> User:
        return actor.user
