"""Tokens of devices that a user has logged in with: they spare the owner the waits that a guesser causes. No authenticator."""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from datetime import datetime, timedelta
from functools import lru_cache
from typing import final

from adapters.security.secret_key import SecretKey
from application.ports.throttle import KnownDevice
from domain.user import User

LIFETIME = timedelta(days=180)
_MOST_REMEMBERED = 1024

DEVICE_ID_BYTES = 12

# version 1 | key id 2 | device id 12, its number 4 | digest of the account 18 | generation 4 | issued 8, then the MAC over all
# of it: 81 bytes, so base64url has no slack bits.
_BODY = struct.Struct(f">B2s{DEVICE_ID_BYTES}sI18sIQ")
_SHAPE = re.compile(r"prd_([A-Za-z0-9_-]{108})", re.ASCII)


@final
class MacDeviceTokens:
    def __init__(self, secret: SecretKey) -> None:
        keys = secret.derive("device")
        self._making = keys[0]
        self._opening = {key.id: key.key for key in keys}
        self._open = lru_cache(_MOST_REMEMBERED)(self._opened)  # a log-in asks more than once

    def seal(self, user: User, *, device: KnownDevice, at: datetime) -> str:
        key = self._making
        digest = _account(key.key, user)
        body = _BODY.pack(1, key.id, device.id, device.number, digest, user.generation, int(at.timestamp()))
        return "prd_" + base64.urlsafe_b64encode(body + _mac(key.key, body)).decode()

    def open(self, token: str, *, user: User, at: datetime) -> KnownDevice | None:
        """The device, if the token is authentic, of this user and of the present password, and not too old."""
        opened = self._open(token)
        if opened is None:
            return None
        key, (device, number, account, generation, issued) = opened
        is_good = hmac.compare_digest(account, _account(key, user)) and generation == user.generation
        return KnownDevice(device, number) if is_good and issued > int((at - LIFETIME).timestamp()) else None

    def is_authentic(self, token: str) -> bool:
        """Whether it was made here, for whomever and whenever."""
        return self._open(token) is not None

    def _opened(self, token: str) -> tuple[bytes, tuple[bytes, int, bytes, int, int]] | None:
        shape = _SHAPE.fullmatch(token)
        if shape is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(shape[1])
        except binascii.Error:
            return None
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        version, key_id, device, number, account, generation, issued = _BODY.unpack(body)
        key = self._opening.get(key_id)
        if version != 1 or key is None or not hmac.compare_digest(mac, _mac(key, body)):
            return None
        return key, (device, number, account, generation, issued)


def _account(key: bytes, user: User) -> bytes:
    return hmac.digest(key, b"account" + user.id.bytes, hashlib.sha256)[:18]


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)
