"""What there is to guess in a password that is put together from what everybody tries first."""

from collections.abc import Iterator
from enum import Enum
from itertools import pairwise

_LONGEST_WORD = 32
_ROWS = (
    *("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "!@#$%^&*()"),
    *("qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0"),
)
_NEIGHBOURS = frozenset(pair for row in _ROWS for keys in (row, row[::-1]) for pair in pairwise(keys))


class Piece(Enum):
    LOOSE = "a character"
    PATTERN = "neighbours on the keyboard or in the alphabet, or one character again and again"
    COMMON = "a common password"
    PERSONAL = "a name of the user or of the service"


# In characters to be guessed. The same piece again adds nothing.
_WORTH = {Piece.LOOSE: 1, Piece.PATTERN: 2, Piece.COMMON: 3, Piece.PERSONAL: 3}


def pieces(text: str, *, common: frozenset[str], personal: frozenset[str]) -> list[tuple[Piece, str]]:
    """The cheapest way to put `text` together. All three are case-folded."""
    rest: list[tuple[int, Piece, int]] = [(0, Piece.LOOSE, len(text))] * (len(text) + 1)  # what follows costs, piece, its end
    for start in reversed(range(len(text))):
        ways = ((_WORTH[kind] + rest[end][0], kind, end) for kind, end in _beginnings(text, start, common, personal))
        rest[start] = min(ways, key=lambda way: way[0])
    found: list[tuple[Piece, str]] = []
    at = 0
    while at < len(text):
        _, kind, end = rest[at]
        found.append((kind, text[at:end]))
        at = end
    return found


def worth(found: list[tuple[Piece, str]]) -> int:
    """In characters; loose ones count while they vary."""
    loose = [part for kind, part in found if kind is Piece.LOOSE]
    others = {piece for piece in found if piece[0] is not Piece.LOOSE}
    return min(len(loose), 2 * len(set(loose))) + sum(_WORTH[kind] for kind, _ in others)


def period(text: str) -> int:
    """The length of what `text` repeats, all of it and perhaps a part at the end; its own length if it does not."""
    return next((n for n in range(1, len(text) // 2 + 1) if text[n:] == text[:-n]), len(text))


def _beginnings(text: str, start: int, common: frozenset[str], personal: frozenset[str]) -> Iterator[tuple[Piece, int]]:
    yield Piece.LOOSE, start + 1
    if (end := _end_of_run(text, start)) - start >= 3:
        yield Piece.PATTERN, end
    for end in range(start + 3, min(start + _LONGEST_WORD, len(text)) + 1):
        word = text[start:end]
        if word in personal:
            yield Piece.PERSONAL, end
        elif word in common:
            yield Piece.COMMON, end


def _end_of_run(text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and _adjoin(text[end - 1], text[end]):
        end += 1
    return end


def _adjoin(one: str, other: str) -> bool:
    alphabet = one.isalnum() and other.isalnum() and abs(ord(one) - ord(other)) == 1
    return one == other or alphabet or (one, other) in _NEIGHBOURS
