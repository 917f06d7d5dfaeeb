"""The store, and its two doors: a unit of work, and single statements."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from application.ports.audit import AuditRepository
from application.ports.clients import ClientRepository
from application.ports.live_statements import LiveStatements
from application.ports.revocations import RevocationRepository
from application.ports.sessions import SessionRepository
from application.ports.signing_keys import SigningKeyRepository
from application.ports.throttle_state import ThrottleState
from application.ports.users import UserRepository
from domain.errors import Unavailable


class StoreUnavailable(Unavailable):
    code: ClassVar[str] = "storage_unavailable"
    detail = "Storage cannot be reached at the moment. Try again shortly."


class SchemaOutdated(Unavailable):
    code: ClassVar[str] = "schema_outdated"
    detail = "The database is not at the version that this program needs. Run: portunus migrate"


class UnderWayElsewhere(Unavailable):
    """Another process is doing what one alone should do."""

    code: ClassVar[str] = "under_way_elsewhere"
    detail = "Another process is doing this at the moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbounded:
    """`settings` that the storage's `role` lacks, as they should be: else a wait has no end, or a commit does not last.

    Who connects without a pooler in between sets them for the connection.
    """

    role: str
    settings: Mapping[str, str]


class UnitOfWork(Protocol):
    """All repositories, in one transaction."""

    @property
    def users(self) -> UserRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def clients(self) -> ClientRepository: ...

    @property
    def signing_keys(self) -> SigningKeyRepository: ...

    @property
    def revocations(self) -> RevocationRepository: ...

    @property
    def audit(self) -> AuditRepository: ...

    async def claim(self, act: str) -> None:
        """Be the only work that does this act, until this work ends. Raises `UnderWayElsewhere`, at once, where another is.

        Where there is one writer at a time it is the only one anyway.
        """
        ...

    async def commit(self) -> None:
        """Make it last, and others see it. On return it survives a crash."""
        ...


class Store(Protocol):
    """Every method, and every method of what it gives, raises `StoreUnavailable` when storage is away or too slow."""

    @property
    def live(self) -> LiveStatements: ...

    @property
    def throttle(self) -> ThrottleState: ...

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A unit of work, ended by `await work.commit()`. Leaving without it rolls back, also after a refusal."""
        ...

    async def require_ready(self) -> None:
        """Raises `SchemaOutdated` where the schema lacks what this program needs; one that a later release made has it."""
        ...

    async def unbounded(self) -> Unbounded | None:
        """What only an operator can mend, where this program cannot set it for its own connections."""
        ...

    async def close(self) -> None: ...
