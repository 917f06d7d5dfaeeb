"""The audit trail in dictionaries. Units of work take turns, so the order of sealing is that of the ids."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import final

from adapters.memory.tables import Overlay
from application.ports.audit import Grants, Unsealed, Waiting, Wanted
from application.ports.clock import Clock
from domain.audit import Act, Detail, Entry, Recorded
from domain.audit_failures import Failure, Gathered, PendingFailure
from domain.audit_seals import Anchor, Checkpoint, Seal
from domain.origin import NOWHERE
from domain.user import UserId

_SALT_BYTES = 16
ENTRIES, FAILURES = 1, 2  # what is counted


@final
class MemoryAuditRepository:
    def __init__(
        self,
        *,
        entries: Overlay[int, Recorded],
        failures: Overlay[int, PendingFailure],
        seals: Overlay[int, Seal],
        checkpoints: Overlay[int, Checkpoint],
        counters: Overlay[int, int],
        clock: Clock,
    ) -> None:
        self._entries = entries
        self._failures = failures
        self._seals = seals
        self._checkpoints = checkpoints
        self._counters = counters
        self._clock = clock

    async def add(self, act: Act) -> None:
        self.enter(act)

    def enter(self, act: Act) -> None:
        number, detail = self._next(ENTRIES), Detail.of(act.origin, salt=secrets.token_bytes(_SALT_BYTES))
        entry = Entry(
            id=number,
            position=number,
            at=act.at or self._clock.now(),
            action=act.action,
            outcome=act.outcome,
            by=act.by,
            client=act.client,
            user_id=act.user_id,
            session_id=act.session_id,
            target=act.target,
            times=act.times,
            detail_digest=detail.digest if detail else None,
        )
        self._entries.put(number, Recorded(entry, detail))

    def note(self, failure: Failure) -> None:
        number = self._next(FAILURES)
        self._failures.put(number, PendingFailure(id=number, at=self._clock.now(), failure=failure, entered=False))

    async def see_one_moment(self) -> None:
        pass  # units of work take turns

    async def take_failures(self, *, most: int) -> Waiting:
        waiting = sorted(self._failures.values(), key=lambda one: one.id)
        return Waiting(failures=waiting[:most], now=self._clock.now())

    async def settle_failures(self, gathered: Gathered) -> None:
        for each in gathered.over:
            self._failures.remove(each)
        self._change_failures(lambda one: replace(one, entered=True) if one.id in gathered.entered else one)

    async def read_unsealed(self, *, most: int) -> Unsealed:
        checkpoint = await self.checkpoint()
        newest = max(self._seals.values(), key=lambda seal: seal.ordinal, default=None)
        before = newest.anchor(Anchor()) if newest else checkpoint.anchor if checkpoint else Anchor()
        stands_on = newest or checkpoint
        unsealed = self._run(lambda entry: entry.position >= before.upto)
        run, is_all = unsealed[:most], len(unsealed) <= most
        upto = run[-1].entry.position + 1 if run else before.upto
        at = self._clock.now()
        return Unsealed(before=before, stands_on=stands_on, run=run, era=before.era, upto=upto, at=at, is_all=is_all)

    async def add_seal(self, seal: Seal) -> None:
        self._seals.put(seal.ordinal, seal)

    async def checkpoint(self) -> Checkpoint | None:
        return max(self._checkpoints.values(), key=lambda one: one.anchor.ordinal, default=None)

    async def newest_seal(self) -> Seal | None:
        return max(self._seals.values(), key=lambda seal: seal.ordinal, default=None)

    async def seals_after(self, ordinal: int, *, limit: int) -> Sequence[Seal]:
        return sorted((s for s in self._seals.values() if s.ordinal > ordinal), key=lambda seal: seal.ordinal)[:limit]

    async def eras(self) -> Sequence[int]:
        return sorted({seal.era for seal in self._seals.values()})

    async def run_of(self, *, era: int, until_id: int | None, since: int, upto: int) -> Sequence[Recorded]:
        def covered(entry: Entry) -> bool:
            return since <= entry.position < upto and entry.id > era and (until_id is None or entry.id <= until_id)

        return self._run(covered)

    async def find(self, wanted: Wanted, *, limit: int) -> Sequence[Recorded]:
        found = self._run(lambda entry: is_wanted(entry, wanted))
        return sorted(found, key=lambda one: one.entry.id, reverse=True)[:limit]

    async def prune(self, checkpoint: Checkpoint) -> int:
        doomed = self._run(lambda entry: entry.position < checkpoint.anchor.upto)
        for one in doomed:
            self._entries.remove(one.entry.id)
        for seal in await self.seals_after(0, limit=checkpoint.anchor.ordinal):
            if seal.ordinal <= checkpoint.anchor.ordinal:
                self._seals.remove(seal.ordinal)
        for older in list(self._checkpoints.values()):
            self._checkpoints.remove(older.anchor.ordinal)
        self._checkpoints.put(checkpoint.anchor.ordinal, checkpoint)
        return len(doomed)

    async def grants(self) -> Grants | None:
        return None

    async def erase_details_of(self, user_id: UserId) -> int:
        def without_origin(one: PendingFailure) -> PendingFailure:
            theirs = one.failure.user_id == user_id
            return replace(one, failure=replace(one.failure, origin=NOWHERE)) if theirs else one

        self._change_failures(without_origin)
        theirs = [one for one in self._run(lambda entry: entry.user_id == user_id) if one.detail]
        for one in theirs:
            self._entries.put(one.entry.id, Recorded(one.entry, None))
        return len(theirs)

    def _change_failures(self, change: Callable[[PendingFailure], PendingFailure]) -> None:
        for one in list(self._failures.values()):
            self._failures.put(one.id, change(one))

    def _run(self, covers: Callable[[Entry], bool]) -> Sequence[Recorded]:
        return sorted((one for one in self._entries.values() if covers(one.entry)), key=lambda one: one.entry.id)

    def _next(self, which: int) -> int:
        number = (self._counters.get(which) or 0) + 1
        self._counters.put(which, number)
        return number


def is_wanted(entry: Entry, wanted: Wanted) -> bool:
    return all(
        given is None or holds
        for given, holds in (
            (wanted.user_id, entry.user_id == wanted.user_id),
            (wanted.action, entry.action == wanted.action),
            (wanted.outcome, entry.outcome == wanted.outcome),
            (wanted.since, wanted.since is None or entry.at >= wanted.since),
            (wanted.before, wanted.before is None or entry.id < wanted.before),
        )
    )
