"""Open an account."""

from dataclasses import dataclass
from typing import final

from application.ports.breaches import Breach, Breaches
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.passwords import PasswordHasher
from application.ports.unit_of_work import Store
from domain.audit import Act, Action, Agent
from domain.email import EmailAddress
from domain.origin import NOWHERE, Origin
from domain.password import PasswordBreached, PasswordPolicy, PlainPassword
from domain.turn import Line, Turn
from domain.user import User
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUser:
    """Open an account under a name nobody holds, or raise `UsernameTaken`."""

    store: Store
    hasher: PasswordHasher
    breaches: Breaches
    ids: Ids
    clock: Clock
    policy: PasswordPolicy

    async def __call__(
        self, *, username: Username, email: EmailAddress, password: PlainPassword, origin: Origin = NOWHERE
    ) -> User:
        username.require_unreserved()
        password.require_strong(self.policy, personal=(username.shown, email.local_part))
        if await self.breaches.look_up(password) is Breach.FOUND:
            raise PasswordBreached
        user = User(
            id=self.ids.user(),
            username=username,
            email=email,
            password_hash=await self.hasher.hash(password, turn=Turn.of_address(Line.SIGN_UPS, origin)),
            registered_at=self.clock.now(),
        )
        async with self.store.begin() as work:
            await work.users.add(user)
            agent = Agent.USER if origin.request_id else Agent.OPERATOR
            await work.audit.add(Act(action=Action.SIGN_UP, by=agent, user_id=user.id, origin=origin))
            await work.commit()
        return user
