"""MACs over the seals of the audit trail."""

import hashlib
import hmac
from typing import final

from adapters.security.secret_key import KEY_ID_BYTES, SecretKey
from application.ports.audit_macs import Verdict

_VERSION = b"\x01"
_HEAD = len(_VERSION) + KEY_ID_BYTES


@final
class KeyedAuditMacs:
    """Version 1 | key id 2 | HMAC-SHA256 32, under the key for `audit`."""

    def __init__(self, secret: SecretKey) -> None:
        keys = secret.derive("audit")
        self._making = keys[0].id
        self._keys = {key.id: key.key for key in keys}

    def make(self, message: bytes) -> bytes:
        return _VERSION + self._making + hmac.digest(self._keys[self._making], message, hashlib.sha256)

    def judge(self, message: bytes, mac: bytes) -> Verdict:
        key = self._keys.get(mac[len(_VERSION) : _HEAD])
        if not mac.startswith(_VERSION) or len(mac) != _HEAD + hashlib.sha256().digest_size:
            return Verdict.FORGED
        if key is None:
            return Verdict.UNKNOWN_KEY
        made = hmac.digest(key, message, hashlib.sha256)
        return Verdict.GOOD if hmac.compare_digest(made, mac[_HEAD:]) else Verdict.FORGED

    def value_of(self, mac: bytes) -> int | None:
        made_by = mac[len(_VERSION) : _HEAD]
        return next((number for number, key_id in enumerate(self._keys, start=1) if key_id == made_by), None)
