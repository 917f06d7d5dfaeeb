"""Access tokens and refresh tokens: making and reading them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from domain.errors import Unavailable
from domain.session import PresentedRefreshToken, Session, SessionId, SessionSecret
from domain.signing_key import PublishedKey, SigningKey
from domain.user import UserId


class NoSigningKey(Unavailable):
    """The store holds no key that this process can use: not prepared yet, or sealed under another secret."""

    code: ClassVar[str] = "no_signing_key"
    detail = "Portunus has no signing key to work with yet. Try again shortly."


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """`ring_generation` is that of the key ring by which the token was found good."""

    user_id: UserId
    session_id: SessionId
    ring_generation: int
    expires_at: datetime


class AccessTokens(Protocol):
    """JWTs of RFC 9068. Each method raises `NoSigningKey` while there is none."""

    @property
    def issuer(self) -> str: ...

    @property
    def audience(self) -> str: ...

    async def issue(self, session: Session, *, expires_at: datetime, ring_generation: int = 0) -> str:
        """A token issued at `session.rotated_at`, so that a repeated rotation answers with the same times.

        It is signed by the key ring of that generation or a newer one, as `read`.
        """
        ...

    async def read(self, token: str, *, ring_generation: int = 0) -> AccessClaims:
        """Raises `InvalidAccessToken` for all that is not a token of ours, for this audience, and in its time.

        It is read by the key ring of that generation or a newer one, which is loaded first where this process has it not.
        """
        ...

    async def read_expired(self, token: str) -> AccessClaims:
        """As `read`, but of a token that may have expired: good for ending its session and nothing else."""
        ...


class RefreshTokens(Protocol):
    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """Of the keys that open tokens, one for each value of the secret. The first makes."""
        ...

    def new_secret(self) -> SessionSecret: ...

    def seal(self, *, session_id: SessionId, counter: int, secret: SessionSecret) -> str:
        """The same arguments make the same token."""
        ...

    def open(self, token: str) -> PresentedRefreshToken:
        """Raises `InvalidRefreshToken` for all that does not carry our MAC, without asking the store."""
        ...


class SigningKeys(Protocol):
    """The keys that this process signs and verifies with."""

    @property
    def algorithm(self) -> str:
        """That of new keys, and of the key that signs."""
        ...

    async def make(self, *, at: datetime) -> SigningKey:
        """A new key for the algorithm that is set, sealed."""
        ...

    def read(self, pem: bytes, *, at: datetime) -> SigningKey:
        """A private key from elsewhere, sealed. Raises `UnusableSigningKey` unless it is strong and for the algorithm set."""
        ...

    def disarm(self, key: SigningKey, *, at: datetime) -> SigningKey | None:
        """Without its private half; `None` where it does not open."""
        ...

    def reseal(self, key: SigningKey) -> SigningKey | None:
        """Sealed under the newest value of the secret, the same if it is already; `None` where it does not open."""
        ...

    def count_sealed(self, keys: Iterable[SigningKey]) -> tuple[int, ...]:
        """How many are sealed under each value of the secret, newest first."""
        ...

    def is_of_this_sort(self, key: SigningKey) -> bool:
        """Whether it belongs with the algorithm that is set: keys that are published and shared ones never meet."""
        ...

    async def load(self) -> None:
        """Read the ring from the store. Raises `NoSigningKey` when it holds none that this process can use."""
        ...

    async def published(self) -> tuple[PublishedKey, ...]:
        """The public halves that others need to verify our tokens, or will need, oldest first."""
        ...

    async def require_signing(self) -> None:
        """Raises `NoSigningKey` unless there is one to sign with."""
        ...
