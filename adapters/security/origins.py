"""Keyed digests of origins."""

import hashlib
import hmac
from typing import final

from adapters.security.secret_key import SecretKey
from domain.origin import Origin, Trace

_BYTES = 8


@final
class KeyedOrigins:
    def __init__(self, secret: SecretKey) -> None:
        self._keys = [derived.key for derived in secret.derive("origin")]

    def trace(self, origin: Origin) -> Trace:
        network = origin.network
        text = f"{network or ''}\n{origin.user_agent}".encode(errors="surrogateescape")  # a network holds no line break
        return Trace(network=network, digests=tuple(hmac.digest(key, text, hashlib.sha256)[:_BYTES] for key in self._keys))
