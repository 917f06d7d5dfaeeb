"""E-mail addresses: where to write to someone, and no identity until verified."""

import re
from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Refusal

# What holds of every address ever stored. The edges ask for more (entrypoints/email.py).
_SHAPE = re.compile(r"[^\s\x00-\x1f\x7f@]{1,64}@[^\s\x00-\x1f\x7f@]{1,253}")


class InvalidEmail(Refusal):
    code: ClassVar[str] = "invalid_email"
    detail = "Give an e-mail address such as name@example.com."


@dataclass(frozen=True, slots=True)
class EmailAddress:
    text: str

    def __post_init__(self) -> None:
        # RFC 5321 4.5.3.1: 64 octets before the @, 254 in all.
        if not _SHAPE.fullmatch(self.text) or len(self.text.encode()) > 254:
            raise InvalidEmail

    @property
    def local_part(self) -> str:
        return self.text.partition("@")[0]
