"""Remove old entries, so that the rest can still be proved."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, final

from application.ports.audit import AuditRepository
from application.ports.audit_macs import AuditMacs, Verdict
from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.audit_seals import Anchor, Checkpoint, flaws_of
from domain.errors import Refusal

SEALS_AT_ONCE = 50


class RecordFlawed(Refusal):
    code: ClassVar[str] = "audit_flawed"
    detail = (
        "What is to be pruned is not as it was sealed, or not attested under a value of the secret that is set. Look first:"
        " portunus audit verify"
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRecord:
    """Remove the seals made before a time, and their entries; a checkpoint stands for them. Tells of how many entries.

    Batch by batch, each lasting once it is told of. Raises `RecordFlawed`, and removes nothing more, where something is not
    as it was sealed, or where this service did not attest it: the new checkpoint would.
    """

    store: Store
    audit_macs: AuditMacs
    clock: Clock

    async def __call__(self, *, before: datetime) -> AsyncGenerator[int, None]:
        attested = await self._attested(before)
        while True:
            async with self.store.begin() as work:
                await work.claim("audit_seals")
                stands = await work.audit.checkpoint()
                start = self._known(stands)
                end = await self._sound(work.audit, start, before, attested)
                if end.ordinal == start.ordinal:
                    return
                checkpoint = Checkpoint(anchor=end, pruned_at=self.clock.now())
                made = self.audit_macs.make(checkpoint.message)
                removed = await work.audit.prune(replace(checkpoint, mac=made))
                await work.audit.add(by_operator(Action.AUDIT_PRUNE, target=f"seal {end.ordinal}", times=removed))
                await work.commit()
            yield removed

    def _known(self, checkpoint: Checkpoint | None) -> Anchor:
        if checkpoint and self.audit_macs.judge(checkpoint.message, checkpoint.mac) is not Verdict.GOOD:
            raise RecordFlawed
        return checkpoint.anchor if checkpoint else Anchor()

    async def _attested(self, before: datetime) -> int:
        """The newest seal that matters and is ours: it attests those before it, whatever key they were made under."""
        async with self.store.begin() as work:
            end = self._known(await work.audit.checkpoint())
            attested = end.ordinal
            while seals := await work.audit.seals_after(end.ordinal, limit=SEALS_AT_ONCE):
                for seal in seals:
                    if not seal.is_linked_to(end) or (seal.sealed_at >= before and attested == end.ordinal):
                        return attested
                    end = seal.anchor(end)
                    if self.audit_macs.judge(seal.link, seal.mac) is Verdict.GOOD:
                        attested = end.ordinal
        return attested

    async def _sound(self, audit: AuditRepository, start: Anchor, before: datetime, attested: int) -> Anchor:
        """The last of the seals to be pruned, having seen that each is what it was."""
        eras, end = await audit.eras(), start
        for seal in await audit.seals_after(start.ordinal, limit=SEALS_AT_ONCE):
            if seal.sealed_at >= before:
                break
            until_id = min((era for era in eras if era > seal.era), default=None)
            since = end.upto if seal.era == end.era else 0
            run = await audit.run_of(era=seal.era, until_id=until_id, since=since, upto=seal.upto)
            flawed = flaws_of(seal, [one.entry for one in run], before=end)
            forged = self.audit_macs.judge(seal.link, seal.mac) is Verdict.FORGED
            if flawed or forged or seal.ordinal > attested:
                raise RecordFlawed
            end = seal.anchor(end)
        return end
