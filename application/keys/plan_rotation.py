"""Know beforehand how a rotation of the signing keys goes."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.key_ring import RotationPlan
from domain.signing_key import KeyPolicy


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRotation:
    """Which key would hand over to which, and when, if it were decided now; or of the rotation that is under way.

    Raises `NoSigningKey` where none opens, as the rotation would.
    """

    store: Store
    signing_keys: SigningKeys
    key_policy: KeyPolicy

    async def __call__(self) -> RotationPlan:
        await self.signing_keys.load()
        return (await self.store.live.read_key_ring()).plan(self.key_policy)
