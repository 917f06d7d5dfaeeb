"""What happened that an operator would want to know."""

from dataclasses import dataclass
from datetime import datetime

from domain.session import SessionId
from domain.user import UserId


@dataclass(frozen=True, slots=True)
class RefreshReuse:
    """A spent refresh token came back and its session was ended: a stolen copy, or a client that kept an old one."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class SessionShadowed:
    """Refresh tokens were used from two places, rotation after rotation, and the session was ended: somebody had a copy."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class SessionAhead:
    """A client knew a newer refresh token than the store: writes were lost, in a failover or by a restored backup."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class PasswordHashUnreadable:
    """A stored hash is of no known form, or broken. Its owner cannot log in."""


@dataclass(frozen=True, slots=True)
class SigningKeyUnreadable:
    """A stored signing key does not open under this service's secret, or is not what it says; it was ignored."""

    kid: str
    reason: str


@dataclass(frozen=True, slots=True)
class SigningKeyRotation:
    """Another key signs access tokens, or will when everybody knows it."""

    kid: str
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class SigningKeyCompromised:
    """The operator said so: this process, which knew it, refuses its tokens from now on."""

    kid: str


@dataclass(frozen=True, slots=True)
class ThrottleStateAway:
    """Each process decides alone for a while how often is too often. `decided_alone` counts since it last said so."""

    decided_alone: int


@dataclass(frozen=True, slots=True)
class LogInsTightened:
    """So many log-ins are tried in all that each address is let through for a tenth of what it was."""


@dataclass(frozen=True, slots=True)
class BreachesAway:
    """What knows of leaked passwords gives no answer; for a while all pass. `let_pass` counts since it last said so."""

    reason: str
    let_pass: int


@dataclass(frozen=True, slots=True)
class RecordUnattested:
    """The audit trail up to a seal has no MAC that this service can judge to be its own. What comes after is sealed apart."""

    seal: int


@dataclass(frozen=True, slots=True)
class RecordCut:
    """A seal that this process made is no longer in the audit trail: what came with it and after it may have been removed."""

    seal: int


Event = (
    RefreshReuse
    | SessionShadowed
    | SessionAhead
    | PasswordHashUnreadable
    | SigningKeyUnreadable
    | SigningKeyRotation
    | SigningKeyCompromised
    | ThrottleStateAway
    | LogInsTightened
    | BreachesAway
    | RecordUnattested
    | RecordCut
)
