"""Let a request in by where it comes from."""

from dataclasses import dataclass
from typing import final

from application.ports.passwords import PasswordHasher
from application.ports.throttle import Throttle
from domain.origin import Origin
from domain.throttle import Action
from domain.turn import Line, Turn


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitRequest:
    """Count it against what its address may do, or raise `TooManyRequests`: before anything else of it is looked at.

    A sign-up that would find the line for hashing full is not counted: raises `Overloaded`.
    """

    throttle: Throttle
    hasher: PasswordHasher

    async def __call__(self, *, action: Action, origin: Origin) -> None:
        if action is Action.SIGN_UP:
            self.hasher.require_room(Turn.of_address(Line.SIGN_UPS, origin))
        await self.throttle.admit(action, origin)
