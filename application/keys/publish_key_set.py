"""Let others verify our tokens."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from domain.signing_key import KeyPolicy, PublishedKeySet


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PublishKeySet:
    """The public halves of the signing keys, or `NoSigningKey` while there are none.

    How long they may be kept is what a key waits for before it signs.
    """

    signing_keys: SigningKeys
    key_policy: KeyPolicy

    async def __call__(self) -> PublishedKeySet:
        return PublishedKeySet(keys=await self.signing_keys.published(), max_age=self.key_policy.max_age)
