"""The service's secret, and the keys that are derived from it."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.security.known_secrets import is_known

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
        for use in ("refresh-mac", "signing-key", "audit"):
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
    if is_known(text):
        raise UnusableSecret("It is a value that everybody knows.")
    try:
        if re.fullmatch(r"([0-9a-fA-F]{2}){16,}", text):  # fewer than 64 digits are never 43 random signs of base64url
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
    if is_known("", value):
        raise UnusableSecret("It is a value that everybody knows.")
    if not _looks_random(text, value):
        raise UnusableSecret("It is not random.")
    return value


def _looks_random(text: str, value: bytes) -> bool:
    """Each of these rules refuses fewer than one in 10^5 of what a generator makes."""
    steps = {(after - before) % 256 for before, after in pairwise(value)}
    printable = sum(32 <= byte < 127 for byte in value)
    if len(set(value)) < 16 or len(steps) < 4 or printable * 8 >= len(value) * 7:
        return False
    if re.fullmatch(r"[0-9a-fA-F]+", text):
        return True
    kinds = [(sign.isupper(), sign.isdigit()) for sign in text if sign.isalnum()]
    changes = sum(before != after for before, after in pairwise(kinds))
    return changes * 5 >= len(kinds)  # words in base64url's alphabet change less often


def _hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=_SALT, info=info).derive(secret)
