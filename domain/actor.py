"""Who is calling."""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Refusal
from domain.session import Session
from domain.user import User


class NotAuthenticated(Refusal):
    """No credential was presented."""

    code: ClassVar[str] = "not_authenticated"
    detail = "Not authenticated"


class InvalidAccessToken(Refusal):
    """Malformed, forged, expired, or of a session that is over: one answer for all."""

    code: ClassVar[str] = "invalid_access_token"
    detail = "Could not validate credentials"


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of a use case, and the live session that the call came through."""

    user: User
    session: Session
