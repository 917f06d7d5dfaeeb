"""The record of what happened: entries that are written once, by the transaction of the act, and never changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Self

from domain.actor import Actor
from domain.origin import NOWHERE, Origin
from domain.session import SessionId
from domain.user import UserId


class Action(StrEnum):
    """Permanent codes."""

    SIGN_UP = "sign_up"
    LOGIN = "login"
    LOGOUT = "logout"
    REFRESH_REUSE = "refresh_reuse"
    SESSION_SHADOWED = "session_shadowed"
    SESSION_AHEAD = "session_ahead"
    SESSION_REVOKE = "session_revoke"
    SESSION_LIMIT = "session_limit"
    TOKEN_REVOKE = "token_revoke"  # noqa: S105 - an act
    PASSWORD_CHANGE = "password_change"  # noqa: S105 - an act
    USER_IMPORT = "user_import"
    USER_DISABLE = "user_disable"
    USER_ENABLE = "user_enable"
    USER_UNLOCK = "user_unlock"
    KEY_PREPARE = "key_prepare"
    KEY_ROTATE = "key_rotate"
    KEY_IMPORT = "key_import"
    KEY_RETIRE = "key_retire"
    KEY_COMPROMISE = "key_compromise"
    KEY_RESEAL = "key_reseal"
    CLIENT_ADD = "client_add"
    CLIENT_REMOVE = "client_remove"
    THROTTLE = "throttle"
    AUDIT_PRUNE = "audit_prune"
    AUDIT_ERASE = "audit_erase"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"


class Agent(StrEnum):
    """Who acted."""

    USER = "user"  # the one whom the entry is about
    CLIENT = "client"
    OPERATOR = "operator"  # at the command line
    SERVICE = "service"  # by itself, in its time
    UNKNOWN = "unknown"  # who has proved nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a use case says of what it does. The store adds the time, and of a session's end the user.

    `session_id` is the session that it came through or that it made or ended; `target` is what else it was done to: the `kid`
    of a key, the id of a client, of another session.
    """

    action: Action
    by: Agent
    outcome: Outcome = Outcome.DONE
    client: str | None = None  # its id, where a client acted
    user_id: UserId | None = None
    session_id: SessionId | None = None
    target: str | None = None
    times: int = 1
    at: datetime | None = None  # where it is not the present
    origin: Origin = NOWHERE


def by_caller(action: Action, actor: Actor, origin: Origin, *, target: str | None = None) -> Act:
    """An act of a user through a session."""
    return Act(action=action, by=Agent.USER, user_id=actor.user.id, session_id=actor.session.id, target=target, origin=origin)


def by_operator(action: Action, *, user_id: UserId | None = None, target: str | None = None, times: int = 1) -> Act:
    """An act at the command line."""
    return Act(action=action, by=Agent.OPERATOR, user_id=user_id, target=target, times=times)


@dataclass(frozen=True, slots=True)
class Detail:
    """What could name a person: where a request came from, and by what program. Can be erased; the entry has its digest."""

    salt: bytes = field(repr=False)
    text: str

    @property
    def digest(self) -> bytes:
        """Nobody can tell from it what the detail was, once the salt is gone."""
        return hashlib.sha256(self.salt + self.text.encode()).digest()

    @property
    def origin(self) -> Origin:
        """What it was made of. Nothing, where it was not made by `of`."""
        try:
            facts = {str(name): str(fact) for name, fact in dict(json.loads(self.text)).items()}
            address = ip_address(facts["address"]) if "address" in facts else None
        except (ValueError, TypeError, RecursionError):
            return NOWHERE
        return Origin(user_agent=facts.get("user_agent", ""), address=address, request_id=facts.get("request_id"))

    @classmethod
    def of(cls, origin: Origin, *, salt: bytes) -> Self | None:
        """`None` for what did not come by a request. In ASCII, so that no database or terminal takes offence."""
        facts = {
            "address": str(origin.address) if origin.address else None,
            "request_id": origin.request_id,
            "user_agent": origin.user_agent or None,
        }
        known = {name: fact for name, fact in facts.items() if fact is not None}
        return cls(salt, json.dumps(known, sort_keys=True, separators=(",", ":"))) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the record, as it is stored.

    `action`, `outcome` and `by` are codes as above; or other text, where a later release made it, or nobody who may.
    """

    id: int
    position: int  # where it stands in the order of sealing: its transaction on PostgreSQL, its id elsewhere
    at: datetime
    action: str
    outcome: str
    by: str
    client: str | None
    user_id: UserId | None
    session_id: SessionId | None
    target: str | None
    times: int
    detail_digest: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with its detail, unless that has been erased or there never was one."""

    entry: Entry
    detail: Detail | None


def acts_of_rotation(origin: Origin) -> Mapping[str, Act]:
    """What is entered of a rotation, by its outcome. Most are no news, and are not."""
    return {
        "reused": Act(action=Action.REFRESH_REUSE, by=Agent.UNKNOWN, outcome=Outcome.REFUSED, origin=origin),
        "shadowed": Act(action=Action.SESSION_SHADOWED, by=Agent.UNKNOWN, outcome=Outcome.REFUSED, origin=origin),
        "ahead": Act(action=Action.SESSION_AHEAD, by=Agent.USER, origin=origin),
    }
