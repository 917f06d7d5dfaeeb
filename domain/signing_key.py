"""Keys that sign access tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key as it is stored: both halves sealed, so that whoever can write rows cannot publish a key.

    `kid` is the RFC 7638 thumbprint of the public half. `ordinal` counts keys from 1 and is unique, so that of several
    processes that make the first key, one does.
    """

    kid: str
    ordinal: int
    algorithm: str
    created_at: datetime
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeyRing:
    """All signing keys as they were at one moment, by ordinal. `generation` rises with every change of any of them."""

    generation: int
    as_of: datetime  # the store's time
    keys: tuple[SigningKey, ...]


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """The public half of a key, as a JWK (RFC 7517)."""

    kid: str
    jwk: Mapping[str, str]
