"""Making identifiers."""

from typing import Protocol

from domain.session import SessionId
from domain.user import UserId


class Ids(Protocol):
    """Identifiers that nobody has used: UUIDs of version 7 (RFC 9562 5.7)."""

    def user(self) -> UserId: ...

    def session(self) -> SessionId: ...
