"""Passwords: what is asked of a new one, and the two forms that it is held in."""

import unicodedata
from dataclasses import dataclass, field
from typing import ClassVar, Self

from domain.errors import Refusal

MOST_CHARACTERS = 256
MOST_BYTES = 1024


class PasswordTooShort(Refusal):
    code: ClassVar[str] = "password_too_short"

    def __init__(self, minimum: int) -> None:
        self.minimum = minimum
        self.detail = (
            f"Use at least {minimum} characters. A few unrelated words make a good password; nothing else is required."
        )


class PasswordTooLong(Refusal):
    code: ClassVar[str] = "password_too_long"
    detail = f"Use at most {MOST_CHARACTERS} characters and {MOST_BYTES} bytes."


class InvalidPassword(Refusal):
    code: ClassVar[str] = "invalid_password"
    detail = "The password is not valid Unicode text."


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What is asked of a new password (NIST SP 800-63B-4 3.1.1.2). `minimum` is in code points after NFC."""

    minimum: int = 15


@dataclass(frozen=True, slots=True)
class PlainPassword:
    """A password as typed, in Unicode's form NFC so that two keyboards agree, and otherwise untouched.

    The upper bounds are an invariant, not a policy: they cap what any hash may cost.
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.text) > MOST_CHARACTERS or len(self.encoded) > MOST_BYTES:
            raise PasswordTooLong

    @classmethod
    def parse(cls, text: str) -> Self:
        if len(text) > 3 * MOST_CHARACTERS:  # NFC composes at most three code points into one
            raise PasswordTooLong
        return cls(unicodedata.normalize("NFC", text))

    @property
    def encoded(self) -> bytes:
        try:
            return self.text.encode()
        except UnicodeEncodeError:
            raise InvalidPassword from None

    def require_strong(self, policy: PasswordPolicy) -> None:
        """Asked by the use cases in which a password is chosen; never at log-in, since old ones may predate the rule."""
        if len(self.text) < policy.minimum:
            raise PasswordTooShort(policy.minimum)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A verifier in the text form of its algorithm (`$argon2id$…`, `$2b$…`)."""

    text: str = field(repr=False)
