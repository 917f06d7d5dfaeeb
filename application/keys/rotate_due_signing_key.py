"""Rotate the signing keys in their time."""

from dataclasses import dataclass
from typing import final

from application.ports.events import Events
from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Act, Action, Agent
from domain.events import SigningKeyRotation
from domain.signing_key import KeyPolicy


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RotateDueSigningKey:
    """Let the announced key take over, if the active one has signed for its time. Every process may run it: one rotates."""

    store: Store
    signing_keys: SigningKeys
    events: Events
    key_policy: KeyPolicy

    async def __call__(self) -> None:
        stored = await self.store.live.read_key_ring()
        if not stored.is_due(self.key_policy):
            return
        await self.signing_keys.load()  # under another secret nothing must be made
        spare = await self.signing_keys.make(at=stored.as_of)
        async with self.store.begin() as work:
            ring = await work.signing_keys.lock()
            if not ring.is_due(self.key_policy):
                return
            ring = ring.rotate(self.key_policy, spare)
            await work.signing_keys.save(ring)
            chosen = ring.taking_over or ring.active
            act = Act(action=Action.KEY_ROTATE, by=Agent.SERVICE, target=chosen.kid if chosen else None)
            await work.audit.add(act)
            await work.commit()
        await self.signing_keys.load()
        if chosen and chosen.signs_from:
            self.events.record(SigningKeyRotation(chosen.kid, chosen.signs_from))
