"""Let a request in by where it comes from."""

from dataclasses import dataclass
from typing import final

from application.ports.throttle import Throttle
from domain.origin import Origin
from domain.throttle import Action


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitRequest:
    """Count it against what its address may do, or raise `TooManyRequests`: before anything else of it is looked at."""

    throttle: Throttle

    async def __call__(self, *, action: Action, origin: Origin) -> None:
        await self.throttle.admit(action, origin)
