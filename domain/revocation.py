"""Revocations: what services that verify tokens offline have to be told, until the tokens concerned have expired."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.session import SessionId

LINGER = timedelta(seconds=60)  # beyond the token's own end, for clocks that differ
MOST_ON_A_PAGE = 10_000


def fingerprint(session_id: SessionId) -> bytes:
    """What the feed says instead of the id: 16 bytes of SHA-256 of the `sid` of its access tokens."""
    return hashlib.sha256(str(session_id).encode()).digest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPosition:
    """How far a reader has read. One of another epoch or timeline is of a store that has lost or forgotten writes."""

    epoch: str
    timeline: int
    xid: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationPage:
    """What was revoked since a position, up to another. `reset`: it starts anew, and what was read before is void."""

    as_of: datetime
    until: FeedPosition
    reset: bool
    is_last: bool
    sessions: tuple[SessionId, ...]
    kids: tuple[str, ...]
