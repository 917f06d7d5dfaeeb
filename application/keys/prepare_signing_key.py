"""See that there is a key to sign with."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Act, Action, Agent
from domain.key_ring import StoredKeyRing
from domain.signing_key import KeyPolicy


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSigningKey:
    """See that a key of the algorithm that is set signs, or soon will, and load the ring. Run by each process as it starts.

    Processes that start at once agree: whoever comes second finds what the first has made. A key of another algorithm goes on
    until its successor is known everywhere; between published keys and shared ones the change is at once. Raises
    `NoSigningKey` when no key opens, which means that the secret is not the one that they were sealed under.
    """

    store: Store
    signing_keys: SigningKeys
    key_policy: KeyPolicy

    async def __call__(self) -> None:
        stored = await self.store.live.read_key_ring()
        if any(self.signing_keys.is_of_this_sort(key) and key.verifies(stored.as_of) for key in stored.keys):
            await self.signing_keys.load()
        if not self._is_prepared(stored):
            first, spare, another = [await self.signing_keys.make(at=stored.as_of) for _ in range(3)]
            async with self.store.begin() as work:
                ring = await work.signing_keys.lock()
                if not self._is_prepared(ring):
                    ring = ring.retire_all(key for key in ring.keys if not self.signing_keys.is_of_this_sort(key))
                    if ring.active is None:
                        ring = ring.begin(first, spare)
                    if ring.announced is None or ring.announced.algorithm != self.signing_keys.algorithm:
                        ring = ring.announce(spare)
                    if ring.active and ring.active.algorithm != self.signing_keys.algorithm and not ring.taking_over:
                        ring = ring.rotate(self.key_policy, another)
                    await work.signing_keys.save(ring)
                    signing = ring.taking_over or ring.active
                    act = Act(action=Action.KEY_PREPARE, by=Agent.SERVICE, target=signing.kid if signing else None)
                    await work.audit.add(act)
                    await work.commit()
        await self.signing_keys.load()

    def _is_prepared(self, ring: StoredKeyRing) -> bool:
        signing = ring.taking_over or ring.active
        return (
            signing is not None
            and ring.announced is not None
            and {signing.algorithm, ring.announced.algorithm} == {self.signing_keys.algorithm}
        )
