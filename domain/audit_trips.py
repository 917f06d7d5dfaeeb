"""Requests that a limit refused: many alike become one entry, and none is written for its own sake."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from domain.audit import Act, Action, Agent, Outcome
from domain.origin import Origin
from domain.user import UserId

_TOGETHER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """Refusals by one limit, of one account and address prefix, within a minute; `entered` of them have their entry.

    `first_at` and `origin` are of the first. Of a name that nobody has there is no user.
    """

    limit: str
    user_id: UserId | None
    origin: Origin
    first_at: datetime
    times: int = 1
    entered: int = 0

    def again(self) -> Self:
        return replace(self, times=self.times + 1)

    def is_due(self, now: datetime) -> bool:
        """The first at once, the others together when the minute is over."""
        return self.is_owed and (not self.entered or self._is_over(now))

    @property
    def is_owed(self) -> bool:
        return self.times > self.entered

    def is_settled(self, now: datetime) -> bool:
        return not self.is_owed and self._is_over(now)

    def act(self) -> Act:
        return Act(
            action=Action.THROTTLE,
            by=Agent.UNKNOWN,
            outcome=Outcome.REFUSED,
            user_id=self.user_id,
            target=self.limit,
            times=self.times - self.entered,
            at=self.first_at,
            origin=self.origin,
        )

    def _is_over(self, now: datetime) -> bool:
        return now - self.first_at >= _TOGETHER
