"""Prove that nothing in the record was removed or altered."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import final

from application.ports.audit_macs import AuditMacs, Verdict
from application.ports.unit_of_work import Store
from domain.audit_proof import Verified
from domain.audit_seals import Anchor, Finding, Flaw, Seal, flaws_of, flaws_of_details

SEALS_AT_ONCE = 50
_ANYWHERE = 2**62
_OF_A_CHECKPOINT = {Verdict.FORGED: Flaw.CHECKPOINT_FORGED, Verdict.UNKNOWN_KEY: Flaw.CHECKPOINT_UNATTESTED}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRecord:
    """Go through all that is sealed, telling of each step. `known` is a head of before: its seal must still be in the chain.

    Not while another process prunes.
    """

    store: Store
    audit_macs: AuditMacs

    async def __call__(self, *, known: tuple[int, bytes] | None = None) -> AsyncGenerator[Verified, None]:
        so_far = await self._begin(known)
        yield so_far
        while True:
            async with self.store.begin() as work:
                seals = await work.audit.seals_after(so_far.head.ordinal, limit=SEALS_AT_ONCE)
                eras = await work.audit.eras()
                for seal in seals:
                    before, found = so_far.head, []
                    if not seal.is_linked_to(before) and seal.is_linked_to(before.disowned):
                        found.append(Finding(flaw=Flaw.SEAL_UNATTESTED, seal=before.ordinal))
                        before = before.disowned
                    later = [era for era in eras if era > seal.era]
                    since = before.upto if seal.era == before.era else 0
                    run = await work.audit.run_of(era=seal.era, until_id=min(later, default=None), since=since, upto=seal.upto)
                    found += flaws_of(seal, [one.entry for one in run], before=before)
                    in_details, missing = flaws_of_details(run, so_far.missing, seal=seal.ordinal)
                    so_far = self._judged(replace(so_far, findings=[*so_far.findings, *found, *in_details]), seal, known)
                    so_far = replace(so_far, head=seal.anchor(before), missing=missing)
                if not seals:
                    break
            yield so_far
        yield await self._end(so_far, known)

    async def _begin(self, known: tuple[int, bytes] | None) -> Verified:
        async with self.store.begin() as work:
            checkpoint = await work.audit.checkpoint()
            if checkpoint is None:
                head, found = Anchor(), []
            else:
                head = checkpoint.anchor
                flaw = _OF_A_CHECKPOINT.get(self.audit_macs.judge(checkpoint.message, checkpoint.mac))
                found = [Finding(flaw=flaw, seal=head.ordinal)] if flaw else []
                if known and known[0] == head.ordinal and known[1].hex() != head.link.hex():
                    found.append(Finding(flaw=Flaw.HEAD_MISSING, seal=head.ordinal))
            strays = await work.audit.run_of(era=-_ANYWHERE, until_id=head.era, since=-_ANYWHERE, upto=_ANYWHERE)
            strays = [*strays, *await work.audit.run_of(era=head.era, until_id=None, since=-_ANYWHERE, upto=head.upto)]
            later = min((era for era in await work.audit.eras() if era > head.era), default=_ANYWHERE)
            found += [
                Finding(flaw=Flaw.ENTRIES_ADDED, seal=head.ordinal, entry=one.entry.id)
                for one in strays
                if one.entry.id <= later
            ]
        return Verified(head=head, findings=found)

    def _judged(self, so_far: Verified, seal: Seal, known: tuple[int, bytes] | None) -> Verified:
        verdict = self.audit_macs.judge(seal.link, seal.mac)
        found = []
        if verdict is Verdict.FORGED:
            found.append(Finding(flaw=Flaw.SEAL_FORGED, seal=seal.ordinal))
        if known and known[0] == seal.ordinal and known[1].hex() != seal.link.hex():
            found.append(Finding(flaw=Flaw.HEAD_MISSING, seal=seal.ordinal))
        return replace(
            so_far,
            findings=[*so_far.findings, *found],
            unattested=seal.ordinal if verdict is Verdict.UNKNOWN_KEY else None,
        )

    async def _end(self, so_far: Verified, known: tuple[int, bytes] | None) -> Verified:
        head = so_far.head
        async with self.store.begin() as work:
            unsealed = await work.audit.run_of(era=head.era, until_id=None, since=head.upto, upto=_ANYWHERE)
        in_details, missing = flaws_of_details(unsealed, so_far.missing, seal=head.ordinal + 1)
        found = [*in_details, *missing.values()]
        if so_far.unattested is not None:
            found.append(Finding(flaw=Flaw.SEAL_UNATTESTED, seal=so_far.unattested))
        if known and known[0] > head.ordinal:
            found.append(Finding(flaw=Flaw.HEAD_MISSING, seal=known[0]))
        return replace(so_far, findings=[*so_far.findings, *found], unsealed=len(unsealed), is_last=True)
