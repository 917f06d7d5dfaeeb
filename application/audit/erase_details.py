"""Forget what could name a person."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.audit import Action, by_operator
from domain.user import UserUnknown
from domain.username import Username


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EraseDetails:
    """Erase addresses, programs and request ids from a user's entries, and enter that; or raise `UserUnknown`. How many.

    The entries stay, and can be proved as before. Raises `UnderWayElsewhere`, and `StoreUnavailable`, while another process
    enters failures that waited.
    """

    store: Store

    async def __call__(self, *, username: Username) -> int:
        user = await self.store.live.find_by_username(username)
        if user is None:
            raise UserUnknown
        async with self.store.begin() as work:
            # What this does not see comes after it in the record, and keeps its detail. Of failures that are just being
            # entered, one process would not see what the other does.
            await work.audit.see_one_moment()
            await work.claim("audit_failures")
            erased = await work.audit.erase_details_of(user.id)
            await work.audit.add(by_operator(Action.AUDIT_ERASE, user_id=user.id, times=erased))
            await work.commit()
        return erased
