"""Cursors of the revocation feed, encrypted: anybody may read the feed, and positions would tell how busy the store is."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from adapters.security.secret_key import SecretKey
from domain.revocation import FeedPosition

_SHAPE = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)


@final
class SealedFeedCursors:
    """AES-SIV (RFC 5297), so without a nonce that could repeat."""

    def __init__(self, secret: SecretKey) -> None:
        self._ciphers = [
            AESSIV(hmac.digest(derived.key, b"revocations", hashlib.sha512)) for derived in secret.derive("cursor")
        ]

    def seal(self, position: FeedPosition) -> str:
        plain = f"{position.epoch}.{position.timeline}.{position.xid}.{position.id}"
        return base64.urlsafe_b64encode(self._ciphers[0].encrypt(plain.encode(), None)).rstrip(b"=").decode()

    def open(self, cursor: str) -> FeedPosition | None:
        if not _SHAPE.fullmatch(cursor):
            return None
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except binascii.Error:
            return None
        opened = (_decrypted(cipher, sealed) for cipher in self._ciphers)
        return next((_position(plain) for plain in opened if plain is not None), None)


def _decrypted(cipher: AESSIV, sealed: bytes) -> bytes | None:
    try:
        return cipher.decrypt(sealed, None)
    except InvalidTag:
        return None


def _position(plain: bytes) -> FeedPosition:
    epoch, *numbers = plain.decode().split(".")
    timeline, xid, last = map(int, numbers)
    return FeedPosition(epoch=epoch, timeline=timeline, xid=xid, id=last)
