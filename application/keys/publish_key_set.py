"""Let others verify our tokens."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from domain.signing_key import PublishedKey


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PublishKeySet:
    """The public halves of the signing keys, or `NoSigningKey` while there are none."""

    signing_keys: SigningKeys

    async def __call__(self) -> tuple[PublishedKey, ...]:
        return await self.signing_keys.published()
