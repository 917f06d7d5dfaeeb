"""No throttle, for development: for benchmarks, and tests of something else."""

from typing import final

from application.ports.throttle import KnownDevice, Place
from domain.origin import Origin
from domain.throttle import Action
from domain.user import User, UserId


@final
class Unthrottled:
    async def admit(self, action: Action, origin: Origin) -> None: ...

    def turn_away(self, action: Action, origin: Origin) -> None: ...

    async def turn_away_from(self, *, identifier: str, origin: Origin) -> None: ...

    async def reserve(self, user: User | None, *, identifier: str, origin: Origin) -> Place:
        del identifier, origin
        return Place(str(user and user.id), is_shared=False)

    def device_token(self, user: User, device: KnownDevice | None) -> str:
        """None is needed."""
        del user, device
        return ""

    def is_of_a_device(self, origin: Origin) -> bool:
        del origin
        return False

    def is_spared(self, user: User | None, origin: Origin) -> bool:
        del user, origin
        return False

    async def fail(self, place: Place) -> None: ...

    async def succeed(self, place: Place) -> None: ...

    async def give_back(self, place: Place) -> None: ...

    async def reopen(self, user_id: UserId) -> None: ...
