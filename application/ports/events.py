"""Telling the operator."""

from typing import Protocol

from domain.events import Event


class Events(Protocol):
    def record(self, event: Event) -> None:
        """Never raises, and never waits for I/O that can fail."""
        ...
