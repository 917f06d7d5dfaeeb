"""Asking whether a password has leaked, without depending on the answer."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Protocol, final

from application.ports.breaches import Breach
from application.ports.events import Events
from domain.events import BreachesAway
from domain.password import PlainPassword

_SECONDS_UNTIL_ASKED_AGAIN = 30


class NoAnswer(Exception):
    """What was asked cannot be read, or answered something else."""


class BreachSource(Protocol):
    async def holds(self, digest: str) -> bool:
        """Of a SHA-1, in 40 hexadecimal digits, capitals. Raises `OSError` or `NoAnswer`."""
        ...


@final
class NoBreaches:
    async def look_up(self, password: PlainPassword) -> Breach:
        del password
        return Breach.NOT_ASKED


@final
class PatientBreaches:
    """Lets passwords pass while the source is away, and for a while after: nobody waits for it then."""

    def __init__(self, source: BreachSource, events: Events, *, patience: timedelta = timedelta(seconds=0.5)) -> None:
        self._source = source
        self._events = events
        self._patience = patience.total_seconds()
        self._away_until = 0.0
        self._let_pass = 0

    async def look_up(self, password: PlainPassword) -> Breach:
        loop = asyncio.get_running_loop()
        began = loop.time()
        if began < self._away_until:
            self._let_pass += 1
            return Breach.NOT_ASKED
        digest = hashlib.sha1(password.encoded, usedforsecurity=False).hexdigest().upper()
        try:
            async with asyncio.timeout(self._patience):
                return Breach.FOUND if await self._source.holds(digest) else Breach.NOT_FOUND
        except (OSError, NoAnswer) as error:  # a TimeoutError is an OSError
            if began >= self._away_until:
                self._events.record(BreachesAway(type(error).__name__, self._let_pass))
                self._let_pass = 0
            self._away_until = loop.time() + _SECONDS_UNTIL_ASKED_AGAIN
            self._let_pass += 1
            return Breach.NOT_ASKED
