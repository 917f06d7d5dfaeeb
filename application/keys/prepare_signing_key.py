"""See that there is a key to sign with."""

from dataclasses import dataclass
from typing import final

from application.ports.clock import Clock
from application.ports.tokens import SigningKeys
from application.ports.unit_of_work import Store


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSigningKey:
    """Make a key of the algorithm that is set, unless there is one, and load the ring. Run by each process as it starts.

    Processes that start at once agree: whoever comes second loads the key of the first. Raises `NoSigningKey` when there are
    keys but none opens, which means that the secret is not the one that they were sealed under.
    """

    store: Store
    signing_keys: SigningKeys
    clock: Clock

    async def __call__(self) -> None:
        stored = (await self.store.live.read_key_ring()).keys
        if self.signing_keys.algorithm not in {key.algorithm for key in stored}:
            ordinal = max((key.ordinal for key in stored), default=0) + 1
            made = await self.signing_keys.make(ordinal=ordinal, at=self.clock.now())
            async with self.store.begin() as work:
                await work.signing_keys.add_if_absent(made)
                await work.commit()
        await self.signing_keys.load()
