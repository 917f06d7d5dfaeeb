"""Let the next key sign."""

from dataclasses import dataclass
from typing import final

from application.ports.events import Events
from application.ports.tokens import NoSigningKey, SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.events import SigningKeyRotation
from domain.signing_key import KeyPolicy, SigningKey


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSigningKey:
    """Let the announced key take over as soon as everybody knows it, and announce another. Gives the key that takes over.

    Raises `RotationUnderWay` while one is waiting already.
    """

    store: Store
    signing_keys: SigningKeys
    events: Events
    key_policy: KeyPolicy

    async def __call__(self) -> SigningKey:
        await self.signing_keys.load()  # under another secret nothing must be made
        stored = await self.store.live.read_key_ring()
        spare = await self.signing_keys.make(at=stored.as_of)
        async with self.store.begin() as work:
            ring = (await work.signing_keys.lock()).rotate(self.key_policy, spare)
            await work.signing_keys.save(ring)
            chosen = ring.taking_over or ring.active
            await work.audit.add(by_operator(Action.KEY_ROTATE, target=chosen.kid if chosen else None))
            await work.commit()
        await self.signing_keys.load()
        if chosen is None or chosen.signs_from is None:
            raise NoSigningKey
        self.events.record(SigningKeyRotation(chosen.kid, chosen.signs_from))
        return chosen
