"""Hashes made elsewhere, by anything but argon2: verified by passlib's API at a bounded cost, and never made."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from passlib import hash as passlib

from domain.password import PasswordHash, PlainPassword


def _at_most(most: int) -> Callable[[list[int]], bool]:
    return lambda costs: all(cost <= most for cost in costs)


def _scrypt_at_most(costs: list[int]) -> bool:
    log_n, block_size, lanes = costs
    return log_n <= 20 and block_size << log_n <= 2**20 and lanes * (block_size << log_n) <= 2**21  # 128 MiB


@dataclass(frozen=True, slots=True)
class _Format:
    """`shape` has a group for each cost. A password that the algorithm would not take as a whole matches nothing."""

    handler: Any
    shape: str
    affordable: Callable[[list[int]], bool]  # takes a second and a half at most
    most_bytes: int = 1024
    takes_nul: bool = True

    def takes(self, password: bytes) -> bool:
        return len(password) <= self.most_bytes and (self.takes_nul or b"\0" not in password)


_BCRYPT = r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}"  # not $2$ and $2x$: in them other passwords match too
_BCRYPT_SHA256 = r"\$bcrypt-sha256\$(?:v=2,t=2b,r=|2[ab],)(\d\d?)\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}"
_PBKDF2 = r"\$([1-9]\d*)\$[./A-Za-z0-9]{0,128}\$[./A-Za-z0-9]"
_DJANGO_PBKDF2 = r"\$([1-9]\d*)\$[A-Za-z0-9]{1,128}\$[A-Za-z0-9+/]"
_SHA_CRYPT = r"\$(?:rounds=([1-9]\d*)\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]"  # its time grows with the password
_SCRYPT = r"\$scrypt\$ln=([1-9]\d*),r=([1-9]\d*),p=([1-9]\d*)\$[+/A-Za-z0-9]{0,128}\$[+/A-Za-z0-9]{43}"
_PHPASS = r"\$[PH]\$[5-9A-H][./A-Za-z0-9]{30}"  # `H` is 2^19 rounds
_FORMATS = (
    _Format(passlib.bcrypt, _BCRYPT, _at_most(14), most_bytes=72, takes_nul=False),
    _Format(passlib.django_bcrypt, r"bcrypt\$" + _BCRYPT, _at_most(14), most_bytes=72, takes_nul=False),
    _Format(passlib.django_bcrypt_sha256, r"bcrypt_sha256\$" + _BCRYPT, _at_most(14)),
    _Format(passlib.bcrypt_sha256, _BCRYPT_SHA256, _at_most(14)),
    _Format(passlib.pbkdf2_sha1, r"\$pbkdf2" + _PBKDF2 + "{27}", _at_most(3_000_000)),
    _Format(passlib.pbkdf2_sha256, r"\$pbkdf2-sha256" + _PBKDF2 + "{43}", _at_most(3_000_000)),
    _Format(passlib.pbkdf2_sha512, r"\$pbkdf2-sha512" + _PBKDF2 + "{86}", _at_most(2_000_000)),
    _Format(passlib.django_pbkdf2_sha1, "pbkdf2_sha1" + _DJANGO_PBKDF2 + "{27}=", _at_most(3_000_000)),
    _Format(passlib.django_pbkdf2_sha256, "pbkdf2_sha256" + _DJANGO_PBKDF2 + "{43}=", _at_most(3_000_000)),
    _Format(passlib.sha256_crypt, r"\$5" + _SHA_CRYPT + "{43}", _at_most(1_000_000), most_bytes=256, takes_nul=False),
    _Format(passlib.sha512_crypt, r"\$6" + _SHA_CRYPT + "{86}", _at_most(1_000_000), most_bytes=256, takes_nul=False),
    _Format(passlib.phpass, _PHPASS, _at_most(0)),
    _Format(passlib.scrypt, _SCRYPT, _scrypt_at_most),
)


@final
class ForeignHashes:
    def reads(self, hash: PasswordHash) -> bool:
        return _format_of(hash) is not None

    def verify(self, password: PlainPassword, hash: PasswordHash) -> bool:
        """Raises `ValueError` for what only looked like a hash."""
        known = _format_of(hash)
        if known is None:
            raise ValueError
        whole = known.takes(password.encoded)
        matches: bool = known.handler.verify(password.encoded if whole else b"", hash.text)
        return matches and whole


def _format_of(hash: PasswordHash) -> _Format | None:
    for known in _FORMATS:
        if shape := re.fullmatch(known.shape, hash.text, re.ASCII):
            costs = [group for group in shape.groups() if group]
            fits = all(len(cost) < 10 for cost in costs) and known.affordable([int(cost) for cost in costs])
            return known if fits else None
    return None
