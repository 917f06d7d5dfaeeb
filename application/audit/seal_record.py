"""Seal what has been entered."""

from dataclasses import dataclass, replace
from typing import final

from application.ports.audit import AuditRepository, Unsealed
from application.ports.audit_macs import AuditMacs, Verdict
from application.ports.events import Events
from application.ports.unit_of_work import Store
from domain.audit_seals import Anchor, Seal
from domain.events import RecordCut, RecordUnattested

MOST_AT_ONCE = 5_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SealRecord:
    """Chain the entries that no transaction under way can still come before, and attest them. Gives where the chain ends,
    unless there was nothing to seal. What is entered meanwhile is for the next time.

    What stands before them is attested too if it is ours, else disowned: whoever writes to the database could have altered
    entries, and made every seal anew under a key that nobody knows, and have it vouched for by the next seal.

    `known` is where it ended when this process last sealed. Where that is no longer in the chain, the operator is told: whoever
    removes the newest seals with their entries leaves a shorter record that looks whole.

    Raises `UnderWayElsewhere` while another process is at it, and `StoreUnavailable` where it has just been.
    """

    store: Store
    audit_macs: AuditMacs
    events: Events

    async def __call__(self, *, known: Anchor | None = None) -> Anchor | None:
        head, is_all = None, False
        while not is_all:
            sealed, is_all = await self._seal(head or known)
            head = sealed or head
        return head

    async def _seal(self, known: Anchor | None) -> tuple[Anchor | None, bool]:
        """Where the chain ends now, if anything was sealed, and whether that was all."""
        async with self.store.begin() as work:
            await work.audit.see_one_moment()
            await work.claim("audit_seals")
            found = await work.audit.read_unsealed(most=MOST_AT_ONCE)
            if not found.run:
                return None, True
            if known and not await self._holds(work.audit, known):
                self.events.record(RecordCut(known.ordinal))
            entries = [one.entry for one in found.run]
            before = self._known(found)
            seal = Seal.over(entries, before=before, era=found.era, upto=found.upto, at=found.at)
            await work.audit.add_seal(replace(seal, mac=self.audit_macs.make(seal.link)))
            await work.commit()
        return seal.anchor(before), found.is_all

    async def _holds(self, audit: AuditRepository, known: Anchor) -> bool:
        """Also where it was pruned: what stands for it has a MAC of its own."""
        for kept in await audit.seals_after(known.ordinal - 1, limit=1):
            if kept.ordinal == known.ordinal:
                return kept.link == known.link
        checkpoint = await audit.checkpoint()
        return checkpoint is not None and checkpoint.anchor.ordinal >= known.ordinal

    def _known(self, found: Unsealed) -> Anchor:
        stands_on = found.stands_on
        if stands_on is None or self.audit_macs.judge(stands_on.message, stands_on.mac) is Verdict.GOOD:
            return found.before
        self.events.record(RecordUnattested(found.before.ordinal))
        return found.before.disowned
