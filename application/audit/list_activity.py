"""See what happened to one's account."""

from dataclasses import dataclass
from typing import final
from uuid import UUID

from application.ports.audit import Wanted
from application.ports.cursors import Cursors
from application.ports.unit_of_work import Store
from domain.actor import Actor
from domain.audit import Recorded


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """`next` is the cursor of the following page; None where this is the last."""

    entries: tuple[Recorded, ...]
    next: str | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivity:
    """What is in the record about the caller, the newest first; or `InvalidCursor`."""

    store: Store
    cursors: Cursors

    async def __call__(self, *, actor: Actor, limit: int, cursor: str | None = None) -> ActivityPage:
        owner = actor.user.id
        before = None if cursor is None else self.cursors.open(cursor, listing="activity", of=owner).int
        async with self.store.begin() as work:
            found = await work.audit.find(Wanted(user_id=owner, before=before), limit=limit + 1)
        page = tuple(found[:limit])
        more = len(found) > limit
        last = UUID(int=page[-1].entry.id) if more else None
        return ActivityPage(entries=page, next=self.cursors.seal(last, listing="activity", of=owner) if last else None)
