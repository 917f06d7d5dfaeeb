"""Delete what signs no longer."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Act, Action, Agent


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RetireSigningKeys:
    """Delete the private halves of keys that have stopped signing; their public halves verify what they signed.

    Gives how many there were. A key that does not open is left as it is.
    """

    store: Store
    signing_keys: SigningKeys

    async def __call__(self) -> int:
        stored = await self.store.live.read_key_ring()
        if not any(key.is_to_be_disarmed(stored.as_of) for key in stored.keys):
            return 0
        async with self.store.begin() as work:
            ring = await work.signing_keys.lock()
            stopped = [key for key in ring.keys if key.is_to_be_disarmed(ring.as_of)]
            disarmed = [self.signing_keys.disarm(key, at=ring.as_of) for key in stopped]
            for key in disarmed:
                ring = ring.replaced(key) if key else ring
            if any(disarmed):
                await work.signing_keys.save(ring)
                for kid in [key.kid for key in disarmed if key]:
                    await work.audit.add(Act(action=Action.KEY_RETIRE, by=Agent.SERVICE, target=kid))
                await work.commit()
        return sum(key is not None for key in disarmed)
