"""Clients: programs that an operator trusts to ask about tokens and to revoke them (RFC 6749 2.1, confidential)."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from domain.errors import Refusal

_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class InvalidClient(Refusal):
    """An unknown client, a wrong secret, or none: one answer (RFC 6749 5.2)."""

    code: ClassVar[str] = "invalid_client"
    detail = "Authenticate as a client: by HTTP Basic, or by client_id and client_secret in the form, not both."


class InvalidClientId(Refusal):
    code: ClassVar[str] = "invalid_client_id"
    detail = "Use 1 to 64 ASCII letters, digits, '.', '_' or '-', beginning with a letter or a digit."


class ClientExists(Refusal):
    code: ClassVar[str] = "client_exists"
    detail = "There is a client of this name. Remove it first: its secret cannot be shown again."


class ClientUnknown(Refusal):
    code: ClassVar[str] = "client_unknown"
    detail = "There is no client of this name."


@dataclass(frozen=True, slots=True)
class ClientId:
    text: str

    def __post_init__(self) -> None:
        if not _SHAPE.fullmatch(self.text):
            raise InvalidClientId


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """Shown once, when it is made. Of 256 random bits, so that a plain digest of it cannot be searched."""

    text: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.text.encode(errors="surrogatepass")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    id: ClientId
    secret_digest: bytes = field(repr=False)
    registered_at: datetime

    def has(self, secret: ClientSecret) -> bool:
        return hmac.compare_digest(self.secret_digest, secret.digest)
