"""Cursors: where a list goes on, handed out and taken back."""

from typing import ClassVar, Protocol
from uuid import UUID

from domain.errors import Refusal
from domain.revocation import FeedPosition


class InvalidCursor(Refusal):
    code: ClassVar[str] = "invalid_cursor"
    detail = "This cursor does not belong to this list. Start again without one."


class Cursors(Protocol):
    def seal(self, last: UUID, *, listing: str, of: UUID) -> str:
        """An opaque text that says which entry was the last. Good for that listing, of that owner, and no other."""
        ...

    def open(self, cursor: str, *, listing: str, of: UUID) -> UUID:
        """Raises `InvalidCursor` for all that `seal` did not make for this listing of this owner."""
        ...


class FeedCursors(Protocol):
    def seal(self, position: FeedPosition) -> str:
        """An opaque text, which tells a reader nothing of the store. The same position has the same text."""
        ...

    def open(self, cursor: str) -> FeedPosition | None:
        """`None` for all that `seal` did not make: who misses nothing by starting anew is not refused."""
        ...
