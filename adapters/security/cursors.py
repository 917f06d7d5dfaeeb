"""Cursors with a MAC: nobody makes one up, or carries one to another list."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import final
from uuid import UUID

from adapters.security.secret_key import SecretKey
from application.ports.cursors import InvalidCursor

_SHAPE = re.compile(r"[A-Za-z0-9_-]{64}", re.ASCII)  # the id 16 | MAC 32: 48 bytes, without slack bits


@final
class MacCursors:
    def __init__(self, secret: SecretKey) -> None:
        self._keys = [derived.key for derived in secret.derive("cursor")]

    def seal(self, last: UUID, *, listing: str, of: UUID) -> str:
        return base64.urlsafe_b64encode(last.bytes + _mac(self._keys[0], last.bytes, listing, of)).decode()

    def open(self, cursor: str, *, listing: str, of: UUID) -> UUID:
        if not _SHAPE.fullmatch(cursor):
            raise InvalidCursor
        try:
            raw = base64.urlsafe_b64decode(cursor)
        except binascii.Error:
            raise InvalidCursor from None
        last, mac = raw[:16], raw[16:]
        if not any(hmac.compare_digest(mac, _mac(key, last, listing, of)) for key in self._keys):
            raise InvalidCursor
        return UUID(bytes=last)


def _mac(key: bytes, last: bytes, listing: str, of: UUID) -> bytes:
    return hmac.digest(key, last + of.bytes + listing.encode(), hashlib.sha256)
