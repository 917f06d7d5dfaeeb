"""Remove old entries, so that the rest can still be proved."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, final

from application.ports.audit import AuditMacs, AuditRepository, Verdict
from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.audit_seals import Anchor, Checkpoint, flaws_of
from domain.errors import Refusal

SEALS_AT_ONCE = 50


class RecordFlawed(Refusal):
    code: ClassVar[str] = "audit_flawed"
    detail = "What is to be pruned is not as it was sealed. Look first: portunus audit verify"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRecord:
    """Remove the seals made before a time, and their entries; a checkpoint stands for them. Tells of how many entries.

    Batch by batch, each lasting once it is told of. Raises `RecordFlawed`, and removes nothing more, where something is not
    as it was sealed.
    """

    store: Store
    audit_macs: AuditMacs
    clock: Clock

    async def __call__(self, *, before: datetime) -> AsyncGenerator[int, None]:
        while True:
            async with self.store.begin() as work:
                await work.claim("audit_seals")
                stands = await work.audit.checkpoint()
                start = stands.anchor if stands else Anchor()
                end = await self._sound(work.audit, start, before)
                if end.ordinal == start.ordinal:
                    return
                checkpoint = Checkpoint(anchor=end, pruned_at=self.clock.now())
                made = self.audit_macs.make(checkpoint.message)
                removed = await work.audit.prune(replace(checkpoint, mac=made))
                await work.audit.add(by_operator(Action.AUDIT_PRUNE, target=f"seal {end.ordinal}", times=removed))
                await work.commit()
            yield removed

    async def _sound(self, audit: AuditRepository, start: Anchor, before: datetime) -> Anchor:
        """The last of the seals to be pruned, having seen that each is what it was."""
        eras, end = await audit.eras(), start
        for seal in await audit.seals_after(start.ordinal, limit=SEALS_AT_ONCE):
            if seal.sealed_at >= before:
                break
            until_id = min((era for era in eras if era > seal.era), default=None)
            since = end.upto if seal.era == end.era else 0
            run = await audit.run_of(era=seal.era, until_id=until_id, since=since, upto=seal.upto)
            flawed = flaws_of(seal, [one.entry for one in run], before=end)
            if flawed or self.audit_macs.judge(seal.link, seal.mac) is Verdict.FORGED:
                raise RecordFlawed
            end = seal.anchor(end)
        return end
