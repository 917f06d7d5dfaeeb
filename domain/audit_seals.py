"""Sealing the record: digests in a chain, so that nothing in it is altered, removed or moved unseen.

Every text that is digested is framed: for each field its length in 4 bytes, big-endian, and the field in UTF-8; for one that is
absent the length 2^32 - 1. The first field names what follows. Whole numbers are decimal, times RFC 3339 in UTC with
microseconds, UUIDs in their usual form.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from domain.audit import Action, Entry, Recorded
from domain.user import UserId

Field = bytes | str | int | datetime | UUID | None


def framed(*fields: Field) -> bytes:
    return b"".join(_frame(one) for one in fields)


def chained(before: bytes, entries: Iterable[Entry]) -> bytes:
    """The digest of the last of `entries`, each of which takes in the one before it: their order is in it too."""
    digest = before
    for entry in entries:
        digest = hashlib.sha256(framed("portunus/audit/v1/entry", digest, *_fields(entry))).digest()
    return digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where a chain goes on: what the last seal left behind. The first stands on nothing.

    `era` is the id of the entry after which positions were counted anew: another database server counts on its own.
    """

    ordinal: int = 0
    era: int = 0
    upto: int = 0  # every position before it is sealed
    last_id: int = 0  # the highest id among all entries sealed
    entries: int = 0  # how many there have been
    link: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        """To be kept elsewhere, and known again."""
        return f"{self.ordinal}:{self.link.hex() or '-'}"

    @property
    def disowned(self) -> Self:
        """What a seal stands on that does not attest what came before: its maker could not tell whether that was ours."""
        return replace(self, link=hashlib.sha256(framed("portunus/audit/v1/disowned", self.link)).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Attests a run of entries, `count` of them: those of its `era` from the seal before it `upto` a position.

    `link` takes in the link before and all of this; `mac` is of the link. So the newest seal attests the whole record, back
    to where one stands on what it disowns.
    """

    ordinal: int
    era: int
    upto: int
    last_id: int
    count: int
    sealed_at: datetime
    entries_digest: bytes = field(repr=False)
    link: bytes = field(repr=False)
    mac: bytes = field(default=b"", repr=False)

    @classmethod
    def over(cls, entries: Sequence[Entry], *, before: Anchor, era: int, upto: int, at: datetime) -> Self:
        """Without its MAC. `entries` are ordered by position, then by id."""
        ordinal, last_id = before.ordinal + 1, max([before.last_id, *(entry.id for entry in entries)])
        digest = chained(before.link, entries)
        return cls(
            ordinal=ordinal,
            era=era,
            upto=upto,
            last_id=last_id,
            count=len(entries),
            sealed_at=at,
            entries_digest=digest,
            link=_link(before.link, ordinal, era, upto, last_id, len(entries), at, digest),
        )

    @property
    def message(self) -> bytes:
        """What its MAC is of."""
        return self.link

    def is_linked_to(self, before: Anchor) -> bool:
        """Whether its link is what follows from the one before and from what it says of itself."""
        link = _link(
            before.link, self.ordinal, self.era, self.upto, self.last_id, self.count, self.sealed_at, self.entries_digest
        )
        return hmac.compare_digest(link, self.link)

    def anchor(self, before: Anchor) -> Anchor:
        return Anchor(
            ordinal=self.ordinal,
            era=self.era,
            upto=self.upto,
            last_id=self.last_id,
            entries=before.entries + self.count,
            link=self.link,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Stands for all that was pruned: what goes on after it is proved from here."""

    anchor: Anchor
    pruned_at: datetime
    mac: bytes = field(default=b"", repr=False)

    @property
    def message(self) -> bytes:
        """What its MAC is of."""
        at = self.anchor
        return framed(
            "portunus/audit/v1/checkpoint", at.ordinal, at.era, at.upto, at.last_id, at.entries, self.pruned_at, at.link
        )


class Flaw(StrEnum):
    ENTRIES_MISSING = "entries_missing"
    ENTRIES_ADDED = "entries_added"
    ENTRIES_ALTERED = "entries_altered"  # or moved
    SEAL_MISSING = "seal_missing"
    SEAL_ALTERED = "seal_altered"
    SEAL_FORGED = "seal_forged"  # its MAC is not ours
    SEAL_UNATTESTED = "seal_unattested"  # made under a value of the secret that is not set, and none after it attests it
    DETAIL_ALTERED = "detail_altered"
    DETAIL_MISSING = "detail_missing"  # and no entry says that it was erased
    CHECKPOINT_FORGED = "checkpoint_forged"
    CHECKPOINT_UNATTESTED = "checkpoint_unattested"  # made under a value of the secret that is not set
    HEAD_MISSING = "head_missing"  # a seal that was known before is not in the chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong, and where: in the run of which seal, and of which entry if that can be told."""

    flaw: Flaw
    seal: int
    entry: int | None = None


def flaws_of(seal: Seal, entries: Sequence[Entry], *, before: Anchor) -> Sequence[Finding]:
    """What is wrong with a seal and its run, apart from the MAC. What is wrong is found in its own run only."""
    found = []
    if seal.ordinal != before.ordinal + 1:
        found.append(Flaw.SEAL_MISSING)
    elif not seal.is_linked_to(before):
        found.append(Flaw.SEAL_ALTERED)
    elif len(entries) != seal.count:
        found.append(Flaw.ENTRIES_MISSING if len(entries) < seal.count else Flaw.ENTRIES_ADDED)
    elif not hmac.compare_digest(chained(before.link, entries), seal.entries_digest):
        found.append(Flaw.ENTRIES_ALTERED)
    return [Finding(flaw=flaw, seal=seal.ordinal) for flaw in found]


def flaws_of_details(
    run: Sequence[Recorded], unaccounted: Mapping[UserId | None, Finding], *, seal: int
) -> tuple[Sequence[Finding], Mapping[UserId | None, Finding]]:
    """Details that are not what their entry says; and of whom one is missing, until an entry says that it was erased."""
    found = []
    missing = dict(unaccounted)
    for one in run:
        entry, detail = one.entry, one.detail
        if entry.action == Action.AUDIT_ERASE:
            missing.pop(entry.user_id, None)
        if detail is not None and not hmac.compare_digest(detail.digest, entry.detail_digest or b""):
            found.append(Finding(flaw=Flaw.DETAIL_ALTERED, seal=seal, entry=entry.id))
        if detail is None and entry.detail_digest is not None:
            missing.setdefault(entry.user_id, Finding(flaw=Flaw.DETAIL_MISSING, seal=seal, entry=entry.id))
    return found, missing


def _fields(entry: Entry) -> tuple[Field, ...]:
    """All but the position: it is how a server counts, and what matters of it is the order."""
    return (
        entry.id,
        entry.at,
        entry.action,
        entry.outcome,
        entry.by,
        entry.client,
        entry.user_id,
        entry.session_id,
        entry.target,
        entry.times,
        entry.detail_digest,
    )


def _link(before: bytes, *fields: Field) -> bytes:
    return hashlib.sha256(framed("portunus/audit/v1/seal", before, *fields)).digest()


def _frame(value: Field) -> bytes:
    match value:
        case None:
            return b"\xff\xff\xff\xff"
        case bytes():
            text = value
        case datetime():
            text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        case _:
            text = str(value).encode()
    return len(text).to_bytes(4, "big") + text
