"""Noticing that a limit refused a request."""

from collections.abc import Sequence
from typing import Protocol

from domain.audit import Act
from domain.origin import Origin
from domain.user import UserId


class Trips(Protocol):
    """What this process has refused and the record has not been told: of bounded size, whoever asks how often."""

    def note(self, limit: str, *, user_id: UserId | None, origin: Origin) -> None:
        """Never waits and never raises: where there is no room it is counted for the limit alone."""
        ...

    def due(self, *, most: int, last: bool = False) -> Sequence[Act]:
        """So much of what is to be entered now: of each account, limit, prefix and minute the first, and later the rest.

        Due again, until it is settled. The `last` time the rest is due before its minute is over.
        """
        ...

    def settle(self) -> None:
        """What was due has been entered."""
        ...
