"""Storing revocations."""

from datetime import datetime
from typing import Protocol


class RevocationRepository(Protocol):
    """What ends a session says so here by itself, in the same statement or transaction."""

    async def withdraw_key(self, kid: str, *, until: datetime) -> None:
        """Tell that no token signed by this key counts any more; `until` is when the last of them has expired."""
        ...

    async def remove_expired(self, *, limit: int) -> int:
        """Remove those that concern no token any more, `limit` at most, and say how many."""
        ...
