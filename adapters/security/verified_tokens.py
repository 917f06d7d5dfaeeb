"""Tokens that were found good, so that their signatures need not be checked anew at each request."""

import hashlib
from collections import OrderedDict
from typing import final

from application.ports.tokens import AccessClaims

MOST = 32_768  # in about 15 MiB: the tokens of as many who are there within their quarter of an hour


@final
class VerifiedTokens:
    """Holds for one generation of the key ring, and says nothing of `expires_at`: whoever asks checks it.

    Only good tokens are kept, so that nobody fills it with tokens of their own making, and by their digest, so that memory
    holds none that could be used.
    """

    def __init__(self) -> None:
        self._generation = -1
        self._tokens = OrderedDict[bytes, AccessClaims]()

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, token: str, *, generation: int) -> AccessClaims | None:
        if generation != self._generation:
            return None
        digest = _digest(token)
        verified = self._tokens.get(digest)
        if verified is not None:
            self._tokens.move_to_end(digest)
        return verified

    def put(self, token: str, verified: AccessClaims, *, generation: int) -> None:
        if generation < self._generation:
            return
        if generation > self._generation:
            self._generation, self._tokens = generation, OrderedDict()
        self._tokens[_digest(token)] = verified
        if len(self._tokens) > MOST:
            self._tokens.popitem(last=False)  # what nobody has asked for longest


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
