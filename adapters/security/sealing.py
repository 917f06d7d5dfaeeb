"""Encrypting what the store may hold but not read."""

import secrets
from typing import final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.security.secret_key import KEY_ID_BYTES, SecretKey

_VERSION = b"\x01"
_NONCE_BYTES = 12


class CannotOpen(ValueError):
    """Not sealed by us for this use, or not for this place."""


@final
class Seal:
    """AES-256-GCM under the key for one use: version 1 | key id 2 | nonce 12 | ciphertext and tag."""

    def __init__(self, secret: SecretKey, *, use: str) -> None:
        keys = secret.derive(use)
        self._making = keys[0]
        self._opening = {key.id: AESGCM(key.key) for key in keys}
        self.number_of_keys = len(keys)

    def close(self, plain: bytes, *, bound_to: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._opening[self._making.id].encrypt(nonce, plain, bound_to)
        return _VERSION + self._making.id + nonce + sealed

    def place_of_key(self, sealed: bytes) -> int | None:
        """Which value of the secret it was closed under, from 0; `None` if none of these."""
        found = sealed[len(_VERSION) : len(_VERSION) + KEY_ID_BYTES]
        return list(self._opening).index(found) if found in self._opening else None

    def is_newest(self, sealed: bytes) -> bool:
        """Whether it was closed under the newest value of the secret."""
        return self.place_of_key(sealed) == 0

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes:
        head = len(_VERSION) + KEY_ID_BYTES
        key = self._opening.get(sealed[len(_VERSION) : head])
        if sealed[: len(_VERSION)] != _VERSION or key is None:
            raise CannotOpen
        try:
            return key.decrypt(sealed[head : head + _NONCE_BYTES], sealed[head + _NONCE_BYTES :], bound_to)
        except (InvalidTag, ValueError):
            raise CannotOpen from None
