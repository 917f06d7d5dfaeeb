"""Sightings of sessions, in the memory of the process."""

from collections.abc import Sequence
from typing import final

from domain.session import SessionId

MOST = 50_000  # some 8 MB


@final
class GatheredSightings:
    def __init__(self) -> None:
        self._noted: set[SessionId] = set()

    def note(self, id: SessionId) -> None:
        if len(self._noted) < MOST:
            self._noted.add(id)

    def take(self) -> Sequence[SessionId]:
        taken, self._noted = self._noted, set()
        return list(taken)
