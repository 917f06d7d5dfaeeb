"""Is this process able to serve?"""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReadiness:
    """Raises `StoreUnavailable`, `SchemaOutdated` or `NoSigningKey` if not."""

    store: Store
    signing_keys: SigningKeys

    async def __call__(self) -> None:
        await self.store.require_ready()
        await self.signing_keys.require_signing()
