"""Keys that sign access tokens, and their lives: announced, active, retiring, retired; or compromised."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from domain.errors import Refusal


class SigningKeyUnknown(Refusal):
    code: ClassVar[str] = "signing_key_unknown"
    detail = "There is no signing key of that kid."


class UnusableSigningKey(Refusal):
    """A key from elsewhere that is of another kind, weak, or known here already. `reason` says which."""

    code: ClassVar[str] = "unusable_signing_key"

    def __init__(self, reason: str) -> None:
        self.detail = f"This key cannot be used. {reason}"


class RotationUnderWay(Refusal):
    """A rotation has been decided, and its key is waiting until everybody knows it."""

    code: ClassVar[str] = "rotation_under_way"

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.detail = f"The next key takes over at {until.isoformat(timespec='seconds')}: it has to be known everywhere first."


class KeyState(StrEnum):
    ANNOUNCED = "announced"  # published, and signs nothing yet
    ACTIVE = "active"  # signs
    RETIRING = "retiring"  # signs no longer, and what it signed may still be good
    RETIRED = "retired"  # verifies nothing
    COMPROMISED = "compromised"  # verifies nothing, whatever it signed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """How long each part of a key's life takes.

    Others keep the key set for `max_age`, and a cache before them may have kept it for as long; a process of ours reads the
    ring anew every `reload`; `skew` is what clocks may differ by.
    """

    max_age: timedelta = timedelta(minutes=5)
    reload: timedelta = timedelta(seconds=30)
    skew: timedelta = timedelta(seconds=5)
    signs_for: timedelta = timedelta(days=90)
    access: timedelta = timedelta(minutes=15)  # the life of a token

    @property
    def announced_for(self) -> timedelta:
        """Before a key signs, everybody who verifies has had to read it."""
        return 2 * self.max_age + self.reload + self.skew

    @property
    def verifies_for(self) -> timedelta:
        """After a key stopped, a process may not have heard of it; and then its last token lives its life."""
        return self.reload + self.access + self.skew

    @property
    def withdrawn_for(self) -> timedelta:
        """After a key was withdrawn, others may hold what it signed, or go on with a key set that has it."""
        return max(self.verifies_for, self.announced_for)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key as it is stored: its halves are sealed, so that whoever can write rows cannot publish a key.

    `kid` is the RFC 7638 thumbprint of the public half. `ordinal` counts the keys of a ring from 1, and is 0 before a
    key is in one. Where a key is in its life follows from its times; `disarmed_at` is when its private half was deleted.
    """

    kid: str
    ordinal: int = 0
    algorithm: str
    created_at: datetime
    sealed: bytes = field(repr=False)
    signs_from: datetime | None = None
    signs_until: datetime | None = None
    verifies_until: datetime | None = None
    disarmed_at: datetime | None = None
    compromised_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        if self.compromised_at:
            return KeyState.COMPROMISED
        if self.signs_from is None or now < self.signs_from:
            return KeyState.ANNOUNCED
        if self.signs_until is None or now < self.signs_until:
            return KeyState.ACTIVE
        if self.verifies_until is None or now < self.verifies_until:
            return KeyState.RETIRING
        return KeyState.RETIRED

    def verifies(self, now: datetime) -> bool:
        """Whether a token that it signed can be good: of an announced key too, for clocks differ."""
        return self.state(now) not in {KeyState.RETIRED, KeyState.COMPROMISED}

    def is_to_be_disarmed(self, now: datetime) -> bool:
        return self.disarmed_at is None and self.state(now) in {KeyState.RETIRING, KeyState.RETIRED}

    def start(self, at: datetime) -> Self:
        return replace(self, signs_from=at)

    def stop(self, at: datetime, *, verifies_until: datetime) -> Self:
        return replace(self, signs_until=at, verifies_until=verifies_until)

    def go_on(self) -> Self:
        """It was to stop, and will not."""
        return replace(self, signs_until=None, verifies_until=None)

    def withdraw(self, at: datetime) -> Self:
        """It has signed nothing that matters any more: retired at once."""
        return replace(self, signs_from=self.signs_from or at, signs_until=at, verifies_until=at)

    def disarm(self, at: datetime, *, sealed: bytes) -> Self:
        """Without its private half: `sealed` holds the other one."""
        return replace(self, disarmed_at=at, sealed=sealed)

    def compromise(self, at: datetime) -> Self:
        """Both halves are deleted: no change of a row brings it back. The first time is the one remembered."""
        return self if self.compromised_at else replace(self, compromised_at=at, disarmed_at=at, sealed=b"")


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """The public half of a key, as a JWK (RFC 7517)."""

    kid: str
    jwk: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKeySet:
    """What others verify with, oldest first, and for how long they may keep it."""

    keys: tuple[PublishedKey, ...]
    max_age: timedelta
