"""Trust a signing key no more."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.key_ring import StoredKeyRing
from domain.signing_key import KeyPolicy


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CompromiseSigningKey:
    """Refuse every token of that key, in every process and from the next request on, and delete both its halves.

    Services that verify offline read of it among the revocations.

    If it was the one that signs, the announced key does at once: better a verifier that has to look for a key than one that
    takes a thief's token. Raises `SigningKeyUnknown`.
    """

    store: Store
    signing_keys: SigningKeys
    key_policy: KeyPolicy

    async def __call__(self, *, kid: str) -> StoredKeyRing:
        await self.signing_keys.load()  # under another secret nothing must be made
        stored = await self.store.live.read_key_ring()
        spare = await self.signing_keys.make(at=stored.as_of)
        async with self.store.begin() as work:
            ring = (await work.signing_keys.lock()).compromise(kid, self.key_policy, spare)
            await work.signing_keys.save(ring)
            await work.revocations.withdraw_key(kid, until=ring.as_of + self.key_policy.withdrawn_for)
            await work.audit.add(by_operator(Action.KEY_COMPROMISE, target=kid))
            await work.commit()
        await self.signing_keys.load()
        return ring
