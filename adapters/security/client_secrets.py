"""Secrets of clients."""

import secrets
from typing import final

from domain.client import ClientSecret


@final
class RandomClientSecrets:
    """`pcs_` and 32 random bytes, base64url: the beginning lets scanners of published code find one that slipped out."""

    def make(self) -> ClientSecret:
        return ClientSecret("pcs_" + secrets.token_urlsafe(32))
