"""Let others know which of our tokens they must not take any more."""

from dataclasses import dataclass
from typing import final

from application.ports.cursors import FeedCursors
from application.ports.unit_of_work import Store
from domain.revocation import MOST_ON_A_PAGE, RevocationPage


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationFeed:
    """`next` is the cursor that reads on from here, after the last page too."""

    page: RevocationPage
    next: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRevocations:
    """What was revoked since the cursor was handed out, a page at a time; without one, all that still counts.

    No cursor is refused: who comes with one that does not open, or is of a store that has lost writes since, starts anew.
    """

    store: Store
    feed_cursors: FeedCursors

    async def __call__(self, *, after: str | None) -> RevocationFeed:
        position = None if after is None else self.feed_cursors.open(after)
        page = await self.store.live.read_revocations(position, limit=MOST_ON_A_PAGE)
        return RevocationFeed(page=page, next=self.feed_cursors.seal(page.until))
