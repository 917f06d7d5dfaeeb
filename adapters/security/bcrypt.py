"""bcrypt hashes that come from elsewhere: verified, and never made."""

import re
from typing import final

from passlib.hash import bcrypt

from domain.password import PasswordHash, PlainPassword

_SHAPE = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_DEAREST = 15  # 2^15 rounds take seconds
_MOST_BYTES = 72


@final
class BcryptVerifier:
    def reads(self, hash: PasswordHash) -> bool:
        shape = _SHAPE.fullmatch(hash.text)
        return shape is not None and 4 <= int(shape[1]) <= _DEAREST and bcrypt.identify(hash.text)

    def verify(self, password: PlainPassword, hash: PasswordHash) -> bool:
        """No password over 72 bytes, or with a NUL, matches: bcrypt would not look at all of it."""
        encoded = password.encoded
        whole = len(encoded) <= _MOST_BYTES and b"\0" not in encoded
        matches: bool = bcrypt.verify(encoded if whole else b"", hash.text)
        return matches and whole
