"""List users, a page at a time."""

from dataclasses import dataclass
from typing import final

from application.ports.unit_of_work import Store
from domain.user import User, UserId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """`next` is what the following page comes after; None where this is the last."""

    users: tuple[User, ...]
    next: UserId | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers:
    """Users by id. It begins with the millisecond of registration: who signs up meanwhile comes last. For operators."""

    store: Store

    async def __call__(self, *, limit: int, after: UserId | None = None) -> UserPage:
        found = await self.store.live.list_users(after=after, limit=limit + 1)
        page = tuple(found[:limit])
        return UserPage(users=page, next=page[-1].id if len(found) > limit else None)
