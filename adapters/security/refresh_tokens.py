"""Refresh tokens: opaque, authentic by a MAC, and of no use without the session's row."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from typing import final
from uuid import UUID

from adapters.security.secret_key import SecretKey
from domain.session import InvalidRefreshToken, PresentedRefreshToken, SessionId, SessionSecret

# version 1 | key id 2 | session id 16 | counter 4, big-endian | session secret 32, then the MAC over all of it: 87 bytes, so
# base64url has no slack bits and each token has one spelling.
_BODY = struct.Struct(">B2s16sI32s")
_SHAPE = re.compile(r"prt_([A-Za-z0-9_-]{116})", re.ASCII)


@final
class MacRefreshTokens:
    def __init__(self, secret: SecretKey) -> None:
        keys = secret.derive("refresh-mac")
        self._making = keys[0]
        self._opening = {key.id: key.key for key in keys}

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        return tuple(self._opening)

    def new_secret(self) -> SessionSecret:
        return SessionSecret(secrets.token_bytes(32))

    def seal(self, *, session_id: SessionId, counter: int, secret: SessionSecret) -> str:
        body = _BODY.pack(1, self._making.id, session_id.bytes, counter, secret.value)
        return "prt_" + base64.urlsafe_b64encode(body + _mac(self._making.key, body)).decode()

    def open(self, token: str) -> PresentedRefreshToken:
        shape = _SHAPE.fullmatch(token)
        if shape is None:
            raise InvalidRefreshToken
        try:
            raw = base64.urlsafe_b64decode(shape[1])
        except binascii.Error:
            raise InvalidRefreshToken from None
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        version, key_id, session_id, counter, secret = _BODY.unpack(body)
        key = self._opening.get(key_id)
        if version != 1 or key is None or not hmac.compare_digest(mac, _mac(key, body)):
            raise InvalidRefreshToken
        return PresentedRefreshToken(
            session_id=SessionId(UUID(bytes=session_id)), counter=counter, secret=SessionSecret(secret)
        )


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)
