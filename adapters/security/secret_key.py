"""The service's secret, and the keys that are derived from it."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SALT = b"portunus"
KEY_ID_BYTES = 2


class UnusableSecret(ValueError):
    """Why the secret cannot be used, without a word of it."""


@dataclass(frozen=True, slots=True)
class DerivedKey:
    id: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One or more values of at least 32 random bytes. The first makes, all open (RFC 5869 derives a key for each use)."""

    values: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        for use in ("refresh-mac", "signing-key"):
            ids = [key.id for key in self.derive(use)]
            if len(set(ids)) != len(ids):
                raise UnusableSecret("Two values of the secret have the same key id. Replace the newest of them.")

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(tuple(_decode(value.strip()) for value in text.split(",")))

    def derive(self, use: str) -> tuple[DerivedKey, ...]:
        """A 32-byte key for each value, newest first."""
        info = f"portunus/v1/{use}".encode()
        return tuple(
            DerivedKey(id=_hkdf(value, info + b"/id", KEY_ID_BYTES), key=_hkdf(value, info, 32)) for value in self.values
        )


def _decode(text: str) -> bytes:
    try:
        if re.fullmatch(r"[0-9a-fA-F]{64,}", text):
            value = bytes.fromhex(text)
        elif re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text):
            value = base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        else:
            raise UnusableSecret("It is neither hexadecimal nor base64url.")
    except (ValueError, binascii.Error) as error:
        if isinstance(error, UnusableSecret):
            raise
        raise UnusableSecret("It is neither hexadecimal nor base64url.") from None
    if len(value) < 32:
        raise UnusableSecret(f"It decodes to {len(value)} bytes; at least 32 are needed.")
    if len(set(value)) < 16:  # 32 random bytes have fewer than 16 different values once in 10^12
        raise UnusableSecret("It is not random.")
    return value


def _hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=_SALT, info=info).derive(secret)
