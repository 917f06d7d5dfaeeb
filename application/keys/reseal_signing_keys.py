"""Move what is sealed to the newest value of the secret."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import final

from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator


@dataclass(frozen=True, slots=True)
class Resealed:
    """What became of a key: `moved` to the newest value, or there already; `opened` is false where no value opens it."""

    kid: str
    moved: bool
    opened: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResealSigningKeys:
    """Key by key, each lasting once it is told of: broken off, it goes on where it stopped."""

    store: Store
    signing_keys: SigningKeys

    async def __call__(self) -> AsyncGenerator[Resealed, None]:
        for kid in [key.kid for key in (await self.store.live.read_key_ring()).keys if key.sealed]:
            async with self.store.begin() as work:
                ring = await work.signing_keys.lock()
                before = next((key for key in ring.keys if key.kid == kid), None)
                if before is None:
                    continue  # forgotten meanwhile
                after = self.signing_keys.reseal(before)
                if after and after != before:
                    await work.signing_keys.save(ring.replaced(after))
                    await work.audit.add(by_operator(Action.KEY_RESEAL, target=kid))
                    await work.commit()
            yield Resealed(kid, moved=after not in {None, before}, opened=after is not None)
