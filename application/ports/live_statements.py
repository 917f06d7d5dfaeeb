"""The hot operations of the store."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from application.ports.sessions import FoundCaller
from domain.actor import Actor
from domain.audit import Act
from domain.audit_failures import Failure
from domain.client import Client, ClientId
from domain.key_ring import StoredKeyRing
from domain.origin import NOWHERE, Origin, Trace
from domain.revocation import FeedPosition, RevocationPage
from domain.session import (
    EndedSession,
    EndReason,
    NewSession,
    Opened,
    PresentedRefreshToken,
    RotationOutcome,
    Session,
    SessionId,
    SessionsOfKey,
)
from domain.user import User, UserId
from domain.username import Username


class LiveStatements(Protocol):
    """The hot operations: each is atomic, commits by itself, and takes one round trip.

    Time is the store's own where it has one (PostgreSQL), so that processes whose clocks differ agree.
    """

    async def find_by_username(self, username: Username) -> User | None: ...

    async def list_users(self, *, after: UserId | None, limit: int) -> Sequence[User]:
        """The first `limit` of them, or of those after `after`, by id: by the millisecond of registration."""
        ...

    async def authenticate(self, *, session_id: SessionId, user_id: UserId) -> FoundCaller:
        """The session and its user, if they belong together, the session is live and the user may act."""
        ...

    async def list_live_sessions(self, user_id: UserId, *, before: SessionId | None, limit: int) -> Sequence[Session]:
        """The user's live sessions, by id, the newest first: those before `before`, where it is given."""
        ...

    async def list_ended_sessions(self, user_id: UserId, *, before: SessionId | None, limit: int) -> Sequence[Session]:
        """The user's other sessions in the same order: those that were ended, and those whose time is over."""
        ...

    async def count_sessions_by_key(self) -> Sequence[SessionsOfKey]:
        """The live sessions, by the key that made their newest refresh tokens. Reads every session."""
        ...

    async def rotate(
        self,
        presented: PresentedRefreshToken,
        *,
        grace: timedelta,
        trace: Trace,
        made_by: bytes | None = None,
        origin: Origin = NOWHERE,
    ) -> RotationOutcome:
        """Spend a refresh token: decide, and store what was decided, as one act. Of rivals with one token, one advances.

        Where the session goes on, the outcome also has the generation of the key ring as of the same moment.

        Misuse, and a store that lost writes, are entered in the audit trail by the same act, with `origin`.

        `trace` is of who presents it: repeated from elsewhere than it was rotated from, rotation after rotation, the session
        is shadowed. `made_by` is the id of the key that the successor will be made by.
        """
        ...

    async def open_session(self, session: NewSession, *, most: int, act: Act) -> Opened | None:
        """As `open` in a unit of work, if no session has to end for it; `None`, and nothing changes, if a work is to tell."""
        ...

    async def mark_seen(self, ids: Sequence[SessionId]) -> None:
        """Note that these sessions are used at present, where `SEEN_EVERY` has passed since that was last noted.

        Changes nothing else of them, waits for no lock on a session, and skips one that somebody is at: a rotation, which is
        a sighting itself.
        """
        ...

    async def end_session(
        self, id: SessionId, *, reason: EndReason, user_id: UserId | None = None, act: Act | None = None
    ) -> EndedSession | None:
        """End it; `None`, and nothing changes, if it has ended, is unknown, or is not of the user, where one is named.

        `act` is entered in the audit trail if it has ended by this; what it leaves open of user and session is the session's.
        """
        ...

    async def note_failure(self, failure: Failure) -> None:
        """Let it wait for its entry in the audit trail, as long for any account as for none. Never raises: a loss is logged."""
        ...

    async def read_revocations(self, after: FeedPosition | None, *, limit: int) -> RevocationPage:
        """What was revoked after a position, and all that still counts if the position is none of this store's, or ahead of
        it. A page that is not the last has `limit` entries; the last may have more, of which others will be told again.

        Whoever reads on from `until` misses nothing, whatever the order in which revocations are committed, and may be told
        of some again.
        """
        ...

    async def read_session(self, id: SessionId) -> Actor | None:
        """The session and its user, if the session is live and the user may act."""
        ...

    async def find_client(self, id: ClientId) -> Client | None: ...

    async def read_key_ring(self) -> StoredKeyRing: ...
