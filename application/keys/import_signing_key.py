"""Sign with a key from elsewhere."""

from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.signing_key import SigningKey


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSigningKey:
    """Let a private key in PEM be the next one, instead of the one announced. It signs after a rotation.

    Raises `UnusableSigningKey` for one that is weak, of another algorithm than the one set, or known here already.
    """

    store: Store
    signing_keys: SigningKeys

    async def __call__(self, *, pem: bytes) -> SigningKey:
        await self.signing_keys.load()  # under another secret nothing must be made
        stored = await self.store.live.read_key_ring()
        key = self.signing_keys.read(pem, at=stored.as_of)
        async with self.store.begin() as work:
            ring = (await work.signing_keys.lock()).announce(key)
            await work.signing_keys.save(ring)
            await work.audit.add(by_operator(Action.KEY_IMPORT, target=key.kid))
            await work.commit()
        await self.signing_keys.load()
        return key
