"""Read the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from application.ports.audit import Wanted
from application.ports.unit_of_work import Store
from domain.audit import Action, Outcome, Recorded
from domain.user import UserUnknown
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntries:
    """The newest entries first: those before the id `before`, where it is given; or `UserUnknown`. For operators."""

    store: Store

    async def __call__(
        self,
        *,
        limit: int,
        username: Username | None = None,
        action: Action | None = None,
        outcome: Outcome | None = None,
        since: datetime | None = None,
        before: int | None = None,
    ) -> Sequence[Recorded]:
        user = await self.store.live.find_by_username(username) if username is not None else None
        if username is not None and user is None:
            raise UserUnknown
        wanted = Wanted(user_id=user.id if user else None, action=action, outcome=outcome, since=since, before=before)
        async with self.store.begin() as work:
            return await work.audit.find(wanted, limit=limit)
