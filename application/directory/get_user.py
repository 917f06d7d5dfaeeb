"""Look a user up."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.user import User, UserUnknown
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GetUser:
    """The user of that name, in any letter case, or `UserUnknown`. For operators."""

    store: Store

    async def __call__(self, *, username: Username) -> User:
        user = await self.store.live.find_by_username(username)
        if user is None:
            raise UserUnknown
        return user
