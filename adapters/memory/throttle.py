"""What was counted, in dictionaries: of one process, and bounded."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar, final

from application.ports.clock import Clock
from application.ports.throttle_state import DEVICE, UNKNOWN, Among, Hit, Reservation
from domain.attempts import DEVICE_KEPT_FOR, KEPT_FOR, OF_AN_ACCOUNT, Admission, Attempts, Rule
from domain.throttle import Verdict

T = TypeVar("T")

_MOST_KEPT = 100_000


@final
class MemoryThrottleState:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due_at: OrderedDict[str, datetime] = OrderedDict()
        self._attempts: OrderedDict[str, Attempts] = OrderedDict()

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Verdict]:
        now = self._clock.now()
        verdicts = [hit.limit.hit(self._due_at.get(hit.key), now) for hit in hits]
        for hit, verdict in zip(hits, verdicts, strict=True):
            _keep(self._due_at, hit.key, verdict.due_at)
        return verdicts

    async def reserve(
        self, account: str, *, hits: Sequence[Hit], rule: Rule = OF_AN_ACCOUNT, among: Among | None = None
    ) -> Reservation:
        verdicts = await self.hit(hits)
        if among and self._attempts.get(among.account, Attempts()).has_left_behind(among.number):
            return Reservation(verdicts)
        if not all(verdict.allowed for verdict in verdicts):
            return Reservation(verdicts)
        now = self._clock.now()
        attempts, admission = self._attempts.get(account, Attempts()).reserve(now, rule)
        _keep(self._attempts, account, attempts)
        return Reservation(verdicts, admission, attempts.retry_after(now) if admission is Admission.EARLY else timedelta())

    async def fail(self, account: str) -> None:
        self._settle(account, lambda attempts: attempts.fail(self._clock.now()))

    async def succeed(self, account: str, *, forgiving: str | None = None) -> None:
        self._settle(account, Attempts.succeed)
        if forgiving:
            self._settle(forgiving, Attempts.forgive)

    async def succeed_anew(self, account: str) -> int:
        self._settle(account, Attempts.succeed_anew)
        return self._attempts[account].devices

    async def give_back(self, account: str) -> None:
        self._settle(account, Attempts.give_back)

    async def forget_idle(self, *, limit: int) -> int:
        now = self._clock.now()
        over = [key for key, due_at in self._due_at.items() if due_at <= now][:limit]
        for key in over:
            del self._due_at[key]
        kept = {UNKNOWN: KEPT_FOR, DEVICE: DEVICE_KEPT_FOR}
        idle = [
            key
            for key, attempts in self._attempts.items()
            if any(key.startswith(kind) and attempts.is_idle(now, kept_for) for kind, kept_for in kept.items())
        ][:limit]
        for key in idle:
            del self._attempts[key]
        return len(over) + len(idle)

    def _settle(self, account: str, change: Callable[[Attempts], Attempts]) -> None:
        _keep(self._attempts, account, change(self._attempts.get(account, Attempts())))


def _keep(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_KEPT:
        kept.popitem(last=False)
