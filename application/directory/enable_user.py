"""Let a user in again."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.user import User, UserUnknown
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EnableUser:
    """Let a disabled user sign in again, or raise `UserUnknown`. Sessions that were ended stay ended."""

    store: Store

    async def __call__(self, *, username: Username) -> User:
        async with self.store.begin() as work:
            user = await work.users.lock_by_username(username)
            if user is None:
                raise UserUnknown
            user = user.enable()
            await work.users.save(user)
            await work.audit.add(by_operator(Action.USER_ENABLE, user_id=user.id))
            await work.commit()
        return user
