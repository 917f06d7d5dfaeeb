"""What a client is told of a token that is good (RFC 7662 2.2)."""

from dataclasses import dataclass
from datetime import datetime

from domain.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveToken:
    """A token that would be taken at this moment. `is_access` tells an access token from a refresh token."""

    actor: Actor
    is_access: bool
    expires_at: datetime
    issuer: str
    audience: str
