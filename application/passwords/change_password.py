"""Change one's password."""

from dataclasses import dataclass
from typing import final

from application.ports.breaches import Breach, Breaches
from application.ports.passwords import PasswordHasher
from application.ports.throttle import Throttle
from application.ports.unit_of_work import Store
from application.steps.check_password import check_password
from domain.actor import Actor, InvalidAccessToken
from domain.audit import Action, by_caller
from domain.audit_failures import Failure
from domain.origin import NOWHERE, Origin
from domain.password import PasswordBreached, PasswordPolicy, PlainPassword
from domain.session import EndReason
from domain.turn import Line, Turn
from domain.user import CurrentPasswordWrong


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """Replace the caller's password, given the current one, and end every other session; or raise `CurrentPasswordWrong`.

    The session that asks goes on. A log-in with the old password that is on its way opens nothing, and of two changes at once
    one is refused: what it proved to know is no longer the password. Tokens of devices are void; that of the device that asks
    is made anew, and returned.
    """

    store: Store
    hasher: PasswordHasher
    breaches: Breaches
    throttle: Throttle
    policy: PasswordPolicy

    async def __call__(self, *, actor: Actor, current: PlainPassword, new: PlainPassword, origin: Origin = NOWHERE) -> str:
        new.require_strong(self.policy, personal=(actor.user.username.shown, actor.user.email.local_part))
        checked = await check_password(
            current, actor.user, identifier="", origin=origin, hasher=self.hasher, throttle=self.throttle
        )
        if not checked.matches:
            failure = Failure(action=Action.PASSWORD_CHANGE, user_id=actor.user.id, origin=origin)
            await self.store.live.note_failure(failure)
            raise CurrentPasswordWrong
        if await self.breaches.look_up(new) is Breach.FOUND:
            raise PasswordBreached
        password_hash = await self.hasher.hash(new, turn=Turn.of_address(Line.LOG_INS, origin))

        async with self.store.begin() as work:
            user = await work.users.lock(actor.user.id)
            if user is None or user.disabled_at:
                raise InvalidAccessToken
            if user.generation != actor.user.generation:
                raise CurrentPasswordWrong
            user = user.with_new_password(password_hash)
            await work.users.save(user)
            if not await work.sessions.carry_over(actor.session.id, generation=user.generation):
                raise InvalidAccessToken  # revoked since: whoever held it changes nothing
            await work.sessions.end_all_of(user.id, reason=EndReason.PASSWORD_CHANGED, spared=actor.session.id)
            await work.audit.add(by_caller(Action.PASSWORD_CHANGE, actor, origin))
            await work.commit()
        return self.throttle.device_token(user, checked.device)
