"""Telling whether two requests come from the same place."""

from typing import Protocol

from domain.origin import Origin, Trace


class Origins(Protocol):
    def trace(self, origin: Origin) -> Trace:
        """8 bytes for each key, alike for the same program in the same network: without the key nobody can guess which."""
        ...
