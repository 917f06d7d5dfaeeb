"""Tokens that were found good, so that their signatures need not be checked anew at each request."""

import hashlib
from typing import final

from application.ports.tokens import AccessClaims

MOST = 10_000


@final
class VerifiedTokens:
    """Holds for one generation of the key ring, and says nothing of `expires_at`: whoever asks checks it.

    Only good tokens are kept, so that nobody fills it with tokens of their own making, and by their digest, so that memory
    holds none that could be used.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._tokens: dict[bytes, AccessClaims] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, token: str, *, generation: int) -> AccessClaims | None:
        return self._tokens.get(_digest(token)) if generation == self._generation else None

    def put(self, token: str, verified: AccessClaims, *, generation: int) -> None:
        if generation < self._generation:
            return
        if generation > self._generation:
            self._generation, self._tokens = generation, {}
        if len(self._tokens) >= MOST:
            del self._tokens[next(iter(self._tokens))]  # the one that has been here longest
        self._tokens[_digest(token)] = verified


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
