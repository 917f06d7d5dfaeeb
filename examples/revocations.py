"""Follows Portunus's revocation feed, by the rules of docs/revocation-feed.md."""

import base64
import hashlib
import json
import logging
import time
from collections.abc import Callable
from http.client import HTTPException
from threading import Event
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

EVERY, ANEW_EVERY, TIMEOUT = 1, 60, 2  # seconds


class FeedStandsStill(Exception):
    """For longer than `max_stale`, or it was never read to its end: nobody can tell what has been revoked."""


class RevocationFeed:
    def __init__(
        self,
        issuer: str,
        *,
        max_stale: float,
        fetch: Callable[[str], dict[str, Any]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = f"{issuer}/.well-known/revocations"
        self._max_stale = max_stale
        self._fetch = fetch or _fetch
        self._clock = clock
        self._revoked: set[str] | None = None  # of the newest complete set; entries and kids are never alike
        self._coming: set[str] | None = None  # a set whose last page is yet to come
        self._cursor: str | None = None
        self._now = 0
        self._moved_at = self._began_at = float("-inf")

    def has_revoked(self, *, sid: str, kid: str) -> bool:
        """Of a token that was found good. Raises `FeedStandsStill`."""
        if self._revoked is None or self._clock() - self._moved_at > self._max_stale:
            raise FeedStandsStill
        entry = base64.urlsafe_b64encode(hashlib.sha256(sid.encode()).digest()[:16]).rstrip(b"=").decode()
        return any(name in known for known in (self._revoked, self._coming or ()) for name in (entry, kid))

    def read_on(self) -> bool:
        """Make one request, and say whether the next page is there already. What goes wrong changes nothing."""
        asked_at = self._clock()
        anew = self._cursor is None or (self._coming is None and asked_at - self._began_at >= ANEW_EVERY)
        try:
            page = self._fetch(self._address if anew else f"{self._address}?after={quote(self._cursor or '')}")
            now, entries = int(page["now"]), {*page["revoked"], *page["withdrawn_keys"]}
            cursor, reset, more = str(page["next"]), page["reset"] is True, page["more"] is True
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            logging.warning("The revocation feed cannot be read: %s", type(error).__name__)
            return False
        if now < self._now:
            logging.warning("The revocation feed went back by %d s.", self._now - now)
            return False
        if now > self._now:
            self._now, self._moved_at = now, self._clock()
        if reset:
            self._coming, self._began_at = set(), asked_at
        self._cursor = cursor
        known = self._coming if self._coming is not None else self._revoked
        if known is not None:
            known |= entries
        if self._coming is not None and not more:
            self._revoked, self._coming = self._coming, None
        return more

    def follow(self, stop: Event) -> None:
        """For a thread of its own, until `stop` is set."""
        while not stop.is_set():
            if not self.read_on():
                stop.wait(EVERY)


def _fetch(address: str) -> dict[str, Any]:
    with urlopen(address, timeout=TIMEOUT) as answer:
        page: dict[str, Any] = json.load(answer)
        return page
