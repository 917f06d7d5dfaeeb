"""A service that verifies access tokens offline, and believes what Cache-Control says of the keys."""

import re
import time
from collections import Counter
from typing import Any, final

import jwt

from tests.faults.clients import Crowd

_MAX_AGE = re.compile(r"max-age=(\d+)")


@final
class Verifier:
    """Behind a cache that keeps the key set for max-age, and may answer with it in its last moment; then it is kept here."""

    def __init__(self, clients: Crowd, *, issuer: str) -> None:
        self.kids: Counter[str] = Counter()  # of the tokens that it found good
        self.refused: list[str] = []
        self._clients = clients
        self._issuer = issuer
        self._max_age = 0.0
        self._cached: tuple[float, dict[str, Any]] = (0.0, {})
        self._kept: tuple[float, dict[str, Any]] = (0.0, {})

    async def verify(self, token: str) -> None:
        """Whether `token` is good, as noted in the fields."""
        kid = jwt.get_unverified_header(token)["kid"]
        key = (await self._keys()).get(kid)
        try:
            if key is None:
                raise jwt.InvalidKeyError(f"unknown kid {kid}")
            jwt.decode(token, key, algorithms=["ES256"], issuer=self._issuer, audience=self._issuer)
        except jwt.ExpiredSignatureError:
            return
        except jwt.PyJWTError as error:
            self.refused.append(str(error))
        else:
            self.kids[kid] += 1

    async def _keys(self) -> dict[str, Any]:
        until, keys = self._kept
        if time.monotonic() >= until:
            max_age, keys = await self._through_the_cache()
            self._kept = time.monotonic() + max_age, keys
        return keys

    async def _through_the_cache(self) -> tuple[float, dict[str, Any]]:
        until, keys = self._cached
        if time.monotonic() >= until:
            answer = None
            while answer is None:
                _, _, answer = await self._clients.send("GET", "/.well-known/jwks.json")
            max_age = _MAX_AGE.search(answer.headers["Cache-Control"])
            assert max_age is not None
            keys = {key["kid"]: jwt.PyJWK(key).key for key in answer.json()["keys"]}
            until = time.monotonic() + int(max_age[1])
            self._cached = until, keys
            self._max_age = float(max_age[1])
        return self._max_age, keys
