"""Bar a user."""

from dataclasses import dataclass
from typing import final

from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.session import EndReason
from domain.user import User, UserUnknown
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DisableUser:
    """Bar a user from signing in and end their sessions, in one act; or raise `UserUnknown`. Twice is as once."""

    store: Store
    clock: Clock

    async def __call__(self, *, username: Username) -> User:
        async with self.store.begin() as work:
            user = await work.users.lock_by_username(username)
            if user is None:
                raise UserUnknown
            user = user.disable(self.clock.now())
            await work.users.save(user)
            await work.sessions.end_all_of(user.id, reason=EndReason.USER_DISABLED)
            await work.audit.add(by_operator(Action.USER_DISABLE, user_id=user.id))
            await work.commit()
        return user
