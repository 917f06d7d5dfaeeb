"""Passwords: what is asked of a new one, and the two forms that it is held in."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Self

from domain.errors import Refusal
from domain.guessable import Piece, period, pieces, worth

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


class PasswordCommon(Refusal):
    code: ClassVar[str] = "password_common"
    detail = (
        "This is a common password, or little more than one, and such are tried first. Use a few unrelated words, or add more"
        " of them; digits at the end do not help."
    )


class PasswordPersonal(Refusal):
    code: ClassVar[str] = "password_personal"
    detail = (
        "This is little more than your name, your e-mail address or the name of this service. Use a few unrelated words that"
        " have nothing to do with either."
    )


class PasswordPredictable(Refusal):
    code: ClassVar[str] = "password_predictable"
    detail = (
        "This repeats itself, or follows the keyboard or the alphabet, which is as easy to guess as a short password. Use a few"
        " unrelated words."
    )


class PasswordBreached(Refusal):
    code: ClassVar[str] = "password_breached"
    detail = (
        "This password is among those that leaked from other services, and such are tried first. Use a few unrelated words, and"
        " change the password wherever else you use it."
    )


class InvalidPassword(Refusal):
    code: ClassVar[str] = "invalid_password"
    detail = "The password is not valid Unicode text."


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What is asked of a new password (NIST SP 800-63B-4 3.1.1.2). `minimum` is in code points after NFC.

    `common` are case-folded passwords that everybody tries first; `context` are names of the service.
    """

    minimum: int = 15
    common: frozenset[str] = field(default=frozenset(), repr=False)
    context: frozenset[str] = frozenset()


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

    def require_strong(self, policy: PasswordPolicy, *, personal: Iterable[str] = ()) -> None:
        """Asked by the use cases in which a password is chosen; never at log-in, since old ones may predate the rule.

        `personal` are names of the user. A common password, a name or a pattern may be part of a password; what remains to
        be guessed must still be worth four fifths of the shortest that is accepted.
        """
        if len(self.text) < policy.minimum:
            raise PasswordTooShort(policy.minimum)
        folded = self.text.casefold()
        found = pieces(folded, common=policy.common, personal=_words((*personal, *policy.context)))
        if worth(found) >= policy.minimum * 4 // 5 and period(folded) >= policy.minimum:
            return
        kinds = {kind for kind, _ in found}
        if Piece.PERSONAL in kinds:
            raise PasswordPersonal
        raise PasswordCommon if Piece.COMMON in kinds else PasswordPredictable


def _words(names: Iterable[str]) -> frozenset[str]:
    """Each name and its parts, case-folded: `John.Doe` is also `doe`."""
    return frozenset(word.casefold() for name in names for word in (name, *re.split(r"[._+-]", name)) if len(word) >= 3)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A verifier in the text form of its algorithm (`$argon2id$…`, `$2b$…`)."""

    text: str = field(repr=False)
