"""The record of what happened: writing it, sealing it, and reading it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.audit import Act, Action, Outcome, Recorded
from domain.audit_failures import Gathered, PendingFailure
from domain.audit_seals import Anchor, Checkpoint, Seal
from domain.user import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """What can be sealed: no transaction that is still under way will add an entry before `upto`. In order.

    It goes on after `stands_on`, where there is anything. Unless it `is_all`, more could be sealed after it.
    """

    before: Anchor
    stands_on: Seal | Checkpoint | None
    run: Sequence[Recorded]
    era: int
    upto: int
    at: datetime
    is_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Failures that wait for their entry, and the time."""

    failures: Sequence[PendingFailure]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: all that are given hold."""

    user_id: UserId | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    before: int | None = None  # an id


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What the role of the database that asks may do to the record."""

    role: str
    owns_it: bool  # and so may grant itself the rest
    may_change: bool  # what is only to be added to
    may_add: bool


class AuditRepository(Protocol):
    """Entries are only added. What is added here is there if, and only if, the work is committed."""

    async def add(self, act: Act) -> None:
        """At the store's time, unless the act has its own."""
        ...

    async def take_failures(self, *, most: int) -> Waiting:
        """The oldest of those that wait; only in a work that has claimed it."""
        ...

    async def settle_failures(self, gathered: Gathered) -> None:
        """Mark those that have been entered, and forget those that are over. Their acts are added apart."""
        ...

    async def see_one_moment(self) -> None:
        """Let all that this work reads be as of one moment. It must be the first thing in the work."""
        ...

    async def read_unsealed(self, *, most: int) -> Unsealed:
        """Up to `most` entries, or those of one transaction; only in a work that sees one moment and has claimed it."""
        ...

    async def add_seal(self, seal: Seal) -> None: ...

    async def checkpoint(self) -> Checkpoint | None:
        """The newest."""
        ...

    async def newest_seal(self) -> Seal | None: ...

    async def seals_after(self, ordinal: int, *, limit: int) -> Sequence[Seal]:
        """In order."""
        ...

    async def eras(self) -> Sequence[int]:
        """Of the seals that are stored, each once, in order."""
        ...

    async def run_of(self, *, era: int, until_id: int | None, since: int, upto: int) -> Sequence[Recorded]:
        """The entries of a seal, in order: by id after `era` up to `until_id`, by position from `since` to before `upto`."""
        ...

    async def find(self, wanted: Wanted, *, limit: int) -> Sequence[Recorded]:
        """By id, the newest first."""
        ...

    async def prune(self, checkpoint: Checkpoint) -> int:
        """Remove the seals up to the checkpoint's with their entries, and keep the checkpoint instead. How many entries."""
        ...

    async def grants(self) -> Grants | None:
        """`None` where the storage knows no roles."""
        ...

    async def erase_details_of(self, user_id: UserId) -> int:
        """How many there were."""
        ...
