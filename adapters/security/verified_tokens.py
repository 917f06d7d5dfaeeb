"""Tokens that were found good, so that their signatures need not be checked anew at each request."""

import hashlib
from dataclasses import dataclass
from typing import final

from domain.session import SessionId
from domain.user import UserId

MOST = 10_000


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    user_id: UserId
    session_id: SessionId
    exp: int


@final
class VerifiedTokens:
    """Holds for one generation of the key ring, and says nothing of `exp`: whoever asks checks it.

    Only good tokens are kept, so that nobody fills it with tokens of their own making, and by their digest, so that memory
    holds none that could be used.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._tokens: dict[bytes, VerifiedToken] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, token: str, *, generation: int) -> VerifiedToken | None:
        return self._tokens.get(_digest(token)) if generation == self._generation else None

    def put(self, token: str, verified: VerifiedToken, *, generation: int) -> None:
        if generation < self._generation:
            return
        if generation > self._generation:
            self._generation, self._tokens = generation, {}
        if len(self._tokens) >= MOST:
            del self._tokens[next(iter(self._tokens))]  # the one that has been here longest
        self._tokens[_digest(token)] = verified


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
