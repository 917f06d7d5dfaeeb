"""Sessions: what a log-in opens, a refresh token continues and a log-out ends."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from domain.errors import Refusal
from domain.origin import UNRECOGNISED, Device
from domain.user import UserId

SessionId = NewType("SessionId", UUID)


class InvalidRefreshToken(Refusal):
    code: ClassVar[str] = "invalid_refresh_token"
    detail = "Could not validate credentials"


class SessionUnknown(Refusal):
    """None of the caller's that is not over; whether it is somebody else's is not told."""

    code: ClassVar[str] = "session_unknown"
    detail = "You have no session with this id, or it is over."


class EndReason(StrEnum):
    """Permanent codes. The last two are never stored: they follow from the times."""

    LOGOUT = "logout"
    REVOKED = "revoked"  # by its user, from another session
    REFRESH_REUSE = "refresh_reuse"
    SHADOWED = "shadowed"  # followed from elsewhere: somebody else has the refresh token too
    SESSION_LIMIT = "session_limit"  # the oldest, when its user opened one too many
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    USER_DISABLED = "user_disabled"
    IDLE = "idle"
    ABSOLUTE = "absolute"


class AuthenticationMethod(StrEnum):
    """How the user proved who they are when the session was opened. Permanent codes."""

    PASSWORD = "password"  # noqa: S105 - the method


# A client that changes networks repeats from elsewhere now and then; whoever follows one does so at every rotation.
STRAYS_OF_A_SHADOW = 3

SEEN_EVERY = timedelta(minutes=1)  # more often than that it is not written down that a session is used


@dataclass(frozen=True, slots=True)
class SessionSecret:
    """32 random bytes that only the holder of the session's refresh token knows; the store keeps `digest`."""

    value: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.value).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things live. `grace` is how long the token before the newest is answered with the same successor."""

    access: timedelta = timedelta(minutes=15)
    idle: timedelta = timedelta(days=7)  # since the last rotation
    absolute: timedelta = timedelta(days=30)  # since the log-in
    grace: timedelta = timedelta(seconds=30)
    most_sessions: int = 100  # of one user: one more ends the oldest
    kept: timedelta = timedelta(days=30)  # since it was over, for its user to see


@dataclass(frozen=True, slots=True)
class Ending:
    at: datetime
    reason: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id: SessionId
    user_id: UserId
    generation: int  # the user's, when the session was opened
    counter: int = 0  # rotations so far: the refresh token with this number is the newest
    secret_digest: bytes = field(repr=False)
    created_at: datetime
    rotated_at: datetime
    access_until: datetime  # no access token of this session is good for longer
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    authenticated_by: AuthenticationMethod = AuthenticationMethod.PASSWORD
    device: Device = UNRECOGNISED
    network: str | None = None  # of the log-in, then of the last rotation; a /24 or /48
    made_by: bytes | None = None  # the id of the key that made its newest refresh token; None if it may be either of two
    seen_at: datetime | None = None  # when it was used beside rotations, as `last_seen_at`
    rotated_from: bytes | None = field(default=None, repr=False)  # a digest of the origin of the last rotation
    strayed: bool = False  # that rotation was also repeated from another origin
    strays: int = 0  # rotations in a row that were

    def has_expired(self, now: datetime, lifetimes: Lifetimes) -> bool:
        return now >= self.ends_at(lifetimes)

    def is_continued_by(self, presented: "PresentedRefreshToken") -> bool:
        """Whether it is the newest refresh token, or one newer than the store knows."""
        return presented.counter >= self.counter and hmac.compare_digest(self.secret_digest, presented.secret.digest)

    def access_expires_at(self, lifetimes: Lifetimes) -> datetime:
        """When the access token of the newest rotation expires: never after the session itself."""
        return min(self.access_until, self.ends_at(lifetimes))

    @property
    def last_seen_at(self) -> datetime:
        """Give or take twice `SEEN_EVERY`: so often each process tells the store, which writes no more often."""
        return max(self.seen_at or self.rotated_at, self.rotated_at)

    def is_to_be_marked(self, now: datetime) -> bool:
        return not self.ended_at and self.last_seen_at <= now - SEEN_EVERY

    def ending(self, lifetimes: Lifetimes) -> Ending:
        """Of a session that is over: when and why. One that nobody ended was idle, or reached its end."""
        if self.ended_at and self.end_reason:
            return Ending(self.ended_at, self.end_reason)
        idles_out, ends = self.rotated_at + lifetimes.idle, self.created_at + lifetimes.absolute
        return Ending(idles_out, EndReason.IDLE) if idles_out < ends else Ending(ends, EndReason.ABSOLUTE)

    def ends_at(self, lifetimes: Lifetimes) -> datetime:
        """Unless it is continued, or ended, before."""
        return min(self.created_at + lifetimes.absolute, self.rotated_at + lifetimes.idle)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsOfKey:
    """The live sessions whose newest refresh token was made by a key, and when the last is over if no refresh continues it."""

    made_by: bytes | None
    count: int
    over_by: datetime


@dataclass(frozen=True, slots=True)
class SweepPosition:
    """The session that a sweep looked at last: they are looked at in the order in which they were opened."""

    created_at: datetime
    id: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What became of some sessions that were looked at. `upto` is None when there are no more to look at."""

    removed: int
    upto: SweepPosition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to be opened for a user as read together with the password hash that was verified.

    The store gives it its times, and opens it only if the user is still of that generation.
    """

    id: SessionId
    user_id: UserId
    generation: int
    secret_digest: bytes = field(repr=False)
    authenticated_by: AuthenticationMethod = AuthenticationMethod.PASSWORD
    device: Device = UNRECOGNISED
    network: str | None = None
    made_by: bytes | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """By a log-in. `ring_generation`: the signing keys' at that moment."""

    session: Session
    ring_generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSession:
    """What others need to know of a session that has just ended: which, and how long its access tokens seem good."""

    id: SessionId
    access_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedRefreshToken:
    """What an authentic refresh token says: authentic by its MAC, which says nothing of the session's state."""

    session_id: SessionId
    counter: int
    secret: SessionSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: timedelta
    device_token: str = field(default="", repr=False)  # of a log-in: no authenticator, but its device is not kept waiting


# The outcomes of a rotation: a closed union, so that the type checker sees a forgotten one.


@dataclass(frozen=True, slots=True)
class Advanced:
    """The newest token was presented: the session took one step. `ring_generation`: the signing keys' at that moment."""

    session: Session
    ring_generation: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Its parent was presented within the grace window: nothing changed, the same successor again."""

    session: Session
    ring_generation: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Ahead:
    """An authentic token newer than the store knows: the store lost writes in a failover. Accepted, and the store caught up."""

    session: Session
    ring_generation: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Reused:
    """A token spent long ago was presented: the session has been ended (RFC 9700 4.14.2)."""

    session: Session


@dataclass(frozen=True, slots=True)
class Shadowed:
    """The parent came from elsewhere, and so it did after each of the rotations before: the session has been ended."""

    session: Session


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such session, a wrong secret, or the session or its user is over. Nothing changed."""


RotationOutcome = Advanced | Repeated | Ahead | Reused | Shadowed | Unknown
