"""Let a user's password be tried again."""

from dataclasses import dataclass
from typing import final

from application.ports.throttle import Throttle
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.user import User, UserUnknown
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockUser:
    """Forget the wrong passwords that were tried for the user's account, or raise `UserUnknown`.

    The counts are no part of a transaction: where the record cannot be written they are forgotten all the same.
    """

    store: Store
    throttle: Throttle

    async def __call__(self, *, username: Username) -> User:
        user = await self.store.live.find_by_username(username)
        if user is None:
            raise UserUnknown
        await self.throttle.reopen(user.id)
        async with self.store.begin() as work:
            await work.audit.add(by_operator(Action.USER_UNLOCK, user_id=user.id))
            await work.commit()
        return user
