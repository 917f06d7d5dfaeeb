"""Accounts at which an attempt was refused a moment ago."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

from domain.attempts import LogInClosed, TooManyFailures
from domain.user import UserId

REFUSED_FOR = timedelta(seconds=1)  # as long as whoever is refused is told to stay away at least
_MOST_KNOWN = 10_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedAccount:
    """`user_id` is `None` where nobody has the name, `opens_at` where an account does not open by itself."""

    account: str
    user_id: UserId | None
    opens_at: datetime | None
    until: datetime

    def refusal(self, now: datetime) -> TooManyFailures | LogInClosed:
        return TooManyFailures(max(self.opens_at - now, REFUSED_FOR)) if self.opens_at else LogInClosed()


@final
class RefusedAccounts:
    """By the names that were typed, so that the next guess costs no statement, neither for the user nor for a place.

    For a second each, since another process may forgive the failures meanwhile.
    """

    def __init__(self) -> None:
        self._by_name: OrderedDict[str, RefusedAccount] = OrderedDict()
        self._names: dict[str, str] = {}

    def add(
        self, name: str, account: str, refused: TooManyFailures | LogInClosed, *, user_id: UserId | None, now: datetime
    ) -> None:
        opens_at = now + refused.retry_after if isinstance(refused, TooManyFailures) else None
        self.forget(account)
        self._by_name[name] = RefusedAccount(account=account, user_id=user_id, opens_at=opens_at, until=now + REFUSED_FOR)
        self._names[account] = name
        while len(self._names) > _MOST_KNOWN:
            self.forget(next(iter(self._by_name.values())).account)

    def find(self, name: str, now: datetime) -> RefusedAccount | None:
        known = self._by_name.get(name)
        return known if known and now < known.until else None

    def forget(self, account: str) -> None:
        self._by_name.pop(self._names.pop(account, ""), None)
