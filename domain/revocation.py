"""Revocations: what services that verify tokens offline have to be told, until the tokens concerned have expired."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

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

    @property
    def text(self) -> str:
        return _encode(f"{self.epoch}.{self.timeline}.{self.xid}.{self.id}")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        found = re.fullmatch(r"([0-9a-f]{1,32})\.(\d{1,10})\.(\d{1,18})\.(\d{1,18})", _decode(text), re.ASCII)
        return cls(epoch=found[1], timeline=int(found[2]), xid=int(found[3]), id=int(found[4])) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationPage:
    """What was revoked since a position, up to another. `reset`: it starts anew, and what was read before is void."""

    as_of: datetime
    until: FeedPosition
    reset: bool
    is_last: bool
    sessions: tuple[SessionId, ...]
    kids: tuple[str, ...]


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text[:200] + "==").decode("ascii")
    except (binascii.Error, ValueError):
        return ""
