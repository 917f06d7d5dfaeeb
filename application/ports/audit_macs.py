"""Attesting the record."""

from enum import Enum
from typing import Protocol


class Verdict(Enum):
    GOOD = "good"
    FORGED = "forged"
    UNKNOWN_KEY = "unknown key"  # made under a value of the secret that is not set any more


class AuditMacs(Protocol):
    """What only this service can make, and whoever writes to its database cannot."""

    def make(self, message: bytes) -> bytes: ...

    def judge(self, message: bytes, mac: bytes) -> Verdict: ...

    def value_of(self, mac: bytes) -> int | None:
        """By which value of the secret it says that it was made, counted from 1; `None` if by none that is set."""
        ...
