"""Would this password be taken?"""

from dataclasses import dataclass
from typing import final

from application.ports.breaches import Breach, Breaches
from domain.password import PasswordBreached, PasswordPolicy, PlainPassword


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePassword:
    """As a new one, for somebody of these names. Raises what choosing it would be refused with.

    What it returns tells whether it is known not to have leaked.
    """

    breaches: Breaches
    policy: PasswordPolicy

    async def __call__(self, *, password: PlainPassword, personal: tuple[str, ...] = ()) -> Breach:
        password.require_strong(self.policy, personal=personal)
        found = await self.breaches.look_up(password)
        if found is Breach.FOUND:
            raise PasswordBreached
        return found
