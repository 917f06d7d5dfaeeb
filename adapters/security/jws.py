"""Signed tokens in their compact form (RFC 7515): one spelling each, and the algorithm is the key's."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from adapters.security.key_material import PrivateKey, PublicKey

_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_MOST_CHARACTERS = 8192
_TO_JSON = json.JSONEncoder(separators=(",", ":")).encode


class Malformed(ValueError):
    """No compact JWS, or one that has a second spelling or a second reading."""


@dataclass(frozen=True, slots=True)
class CompactJws:
    header: dict[str, Any]
    payload: dict[str, Any]
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, token: str) -> "CompactJws":
        """Raises `Malformed`. Says nothing of who signed it."""
        shape = _SHAPE.fullmatch(token) if len(token) <= _MOST_CHARACTERS else None
        if shape is None:
            raise Malformed
        signed = token.rpartition(".")[0].encode()
        return cls(_object(shape[1]), _object(shape[2]), signed, decode_segment(shape[3]))


def is_signed(signed: bytes, signature: bytes, *, key: PublicKey, algorithm: str) -> bool:
    """Whether `signature` over `signed` is that of `key`. The caller's algorithm is the key's, never the token's."""
    return bool(jwt.get_algorithm_by_name(algorithm).verify(signed, key, signature))


def sign(header: bytes, payload: Mapping[str, Any], *, key: PrivateKey, algorithm: str) -> str:
    """A compact JWS, as PyJWT would make it, which looks at each key and header anew: these are the caller's own.

    `header` is what `encoded` makes of it.
    """
    signed = header + b"." + encoded(payload)
    signature: bytes = jwt.get_algorithm_by_name(algorithm).sign(signed, key)
    return (signed + b"." + _encode_segment(signature)).decode()


def encoded(part: Mapping[str, Any]) -> bytes:
    return _encode_segment(_TO_JSON(part).encode())


def _encode_segment(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def decode_segment(segment: str) -> bytes:
    """Decode, if `segment` is the one spelling of what it says: no padding, no slack bits (RFC 7515 appendix C)."""
    try:
        raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except NotBase64:
        raise Malformed from None
    if _encode_segment(raw) != segment.encode():
        raise Malformed
    return raw


def _object(segment: str) -> dict[str, Any]:
    try:
        value = _JSON.decode(decode_segment(segment).decode())
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(value, dict):
        raise Malformed
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed
    return members


def _no_constant(_: str) -> None:
    raise Malformed


_JSON = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
