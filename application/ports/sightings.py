"""Noticing that sessions are used."""

from collections.abc import Sequence
from typing import Protocol

from domain.session import SessionId


class Sightings(Protocol):
    """What this process has noticed and the store has not been told: each session once, and of bounded size."""

    def note(self, id: SessionId) -> None:
        """Never waits and never raises: where there is no room it is not noted."""
        ...

    def take(self) -> Sequence[SessionId]:
        """All of them, which are forgotten here."""
        ...
