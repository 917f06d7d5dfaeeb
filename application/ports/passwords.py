"""Hashing passwords."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol

from domain.errors import Refusal, Unavailable
from domain.hashing_cost import HashingCost
from domain.password import PasswordHash, PlainPassword
from domain.turn import Turn


class Overloaded(Unavailable):
    code: ClassVar[str] = "overloaded"
    detail = "Too many passwords are being checked at the moment. Try again shortly."


class UnknownHashFormat(Refusal):
    code: ClassVar[str] = "unknown_hash_format"
    detail = (
        "This is not a password hash that Portunus can verify, or one that takes too much time or memory. It takes argon2"
        " ($argon2id$, $argon2i$, $argon2d$), bcrypt ($2a$, $2b$, $2y$, $bcrypt-sha256$), scrypt ($scrypt$), PBKDF2 ($pbkdf2$,"
        " $pbkdf2-sha256$, $pbkdf2-sha512$), sha-crypt ($5$, $6$), phpass ($P$, $H$), and Django's (argon2, bcrypt,"
        " bcrypt_sha256, pbkdf2_sha256, pbkdf2_sha1)."
    )


OPERATORS = Turn()


class PasswordHasher(Protocol):
    async def hash(self, password: PlainPassword, *, turn: Turn = OPERATORS) -> PasswordHash:
        """Raises `Overloaded` when the queue is full, before any work is done."""
        ...

    async def verify(self, password: PlainPassword, against: PasswordHash | None, *, turn: Turn = OPERATORS) -> bool:
        """Whether `password` matches.

        `None` stands for an unknown user: the answer is `False` and takes as long as a real comparison, so the caller
        leaks nothing about who is registered. A hash that cannot be read counts as no match, takes as long, and is
        reported. Raises `Overloaded` as `hash` does.
        """
        ...

    def room(self, turn: Turn) -> AbstractContextManager[None]:
        """Around what comes before `hash` or `verify`, and them: no more are let in than could wait for their turn then.

        Raises `Overloaded` for one more, before any work is done.
        """
        ...

    def is_outdated(self, hash: PasswordHash) -> bool:
        """Whether a password just verified against `hash` deserves a new one.

        Another algorithm, or other costs: where all cost the same, no answer's time tells whose account it is.
        """
        ...

    def require_readable(self, hash: PasswordHash) -> None:
        """Raises `UnknownHashFormat` for what `verify` could not read, or would have to refuse for its cost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HashingBeside:
    """How long one hash took, of as many at once as there are cores, and how many bytes per second were copied beside them."""

    took: timedelta
    copied: float


class HashingTimes(Protocol):
    """What the machine does, measured now. What else it does at the same time makes all of it slower."""

    @property
    def cores(self) -> int:
        """How many hashes a server process has under way at most."""
        ...

    def measure(self, cost: HashingCost) -> timedelta:
        """How long one hash of this cost takes on this machine, while nothing else is done here."""
        ...

    def measure_on_every_core(self, cost: HashingCost) -> HashingBeside:
        """The same while each core hashes, and one thread more copies. Both count the processor's time of their own thread."""
        ...

    def copy(self) -> float:
        """Bytes per second of processor time that one thread copies from memory to memory, alone."""
        ...
