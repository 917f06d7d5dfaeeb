"""Follow what became of the signing keys."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FollowKeyRing:
    """Read the ring anew. Each process does now and then, so that it follows a change also when nobody asks it anything."""

    signing_keys: SigningKeys

    async def __call__(self) -> None:
        await self.signing_keys.load()
