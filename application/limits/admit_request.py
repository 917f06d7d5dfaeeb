"""Let a request in by where it comes from."""

from dataclasses import dataclass
from typing import final

from application.ports.passwords import PasswordHasher
from application.ports.throttle import Throttle
from application.steps.room_for_log_in import room_for_log_in
from domain.origin import Origin
from domain.throttle import Action
from domain.turn import Line, Turn


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitRequest:
    """Count it against what its address may do, or raise `TooManyRequests`: before anything else of it is looked at.

    A sign-up that would find the line for hashing full is not counted: raises `Overloaded`. So does a log-in, which is counted
    where its password is looked at, and refused here if its address is known to be beyond the limit. Not so where a device
    that a user has logged in with may have a line of its own.
    """

    throttle: Throttle
    hasher: PasswordHasher

    async def __call__(self, *, action: Action, origin: Origin) -> None:
        match action:
            case Action.LOG_IN:
                is_of_a_device = self.throttle.is_of_a_device(origin)
                if not is_of_a_device:
                    self.throttle.turn_away(action, origin)
                with room_for_log_in(origin, spared=is_of_a_device, hasher=self.hasher):
                    return
            case Action.SIGN_UP:
                with self.hasher.room(Turn.of_address(Line.SIGN_UPS, origin)):
                    await self.throttle.admit(action, origin)
            case _:
                await self.throttle.admit(action, origin)
