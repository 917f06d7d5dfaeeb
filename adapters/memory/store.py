"""The memory store: isolates units of work on overlays, serialises them, and rolls back by forgetting."""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, final

from adapters.memory.audit import MemoryAuditRepository
from adapters.memory.clients import MemoryClientRepository
from adapters.memory.revocations import MemoryRevocationRepository, StoredRevocation
from adapters.memory.sessions import MemorySessionRepository, of_session
from adapters.memory.signing_keys import RING, MemorySigningKeyRepository
from adapters.memory.tables import Overlay, Table
from adapters.memory.throttle import MemoryThrottleState
from adapters.memory.users import MemoryUserRepository
from application.ports.clock import Clock
from application.ports.sessions import FoundCaller
from application.ports.unit_of_work import UnitOfWork
from domain.actor import Actor
from domain.audit import Act, Recorded, acts_of_rotation
from domain.audit_failures import Failure, PendingFailure
from domain.audit_seals import Checkpoint, Seal
from domain.client import Client, ClientId
from domain.key_ring import StoredKeyRing
from domain.origin import NOWHERE, Origin, Trace
from domain.revocation import FeedPosition, RevocationPage
from domain.session import (
    STRAYS_OF_A_SHADOW,
    Advanced,
    Ahead,
    EndedSession,
    EndReason,
    Lifetimes,
    NewSession,
    Opened,
    PresentedRefreshToken,
    Repeated,
    Reused,
    RotationOutcome,
    Session,
    SessionId,
    SessionsOfKey,
    Shadowed,
    Unknown,
)
from domain.signing_key import SigningKey
from domain.user import User, UserId
from domain.username import Username


class _Tables:
    def __init__(self) -> None:
        self.users: Table[UserId, User] = Table()
        self.names: Table[str, UserId] = Table()
        self.sessions: Table[SessionId, Session] = Table()
        self.signing_keys: Table[str, SigningKey] = Table()
        self.ring_generations: Table[int, int] = Table({RING: 1})
        self.revocations: Table[int, StoredRevocation] = Table()
        self.newest_revocation: Table[int, int] = Table({1: 0})
        self.epoch = secrets.token_hex(8)
        self.clients: Table[ClientId, Client] = Table()
        self.audit_entries: Table[int, Recorded] = Table()
        self.audit_failures: Table[int, PendingFailure] = Table()
        self.audit_seals: Table[int, Seal] = Table()
        self.audit_checkpoints: Table[int, Checkpoint] = Table()
        self.audit_counters: Table[int, int] = Table()
        self.writing = asyncio.Lock()


@final
class MemoryUnitOfWork:
    def __init__(self, tables: _Tables, clock: Clock, lifetimes: Lifetimes) -> None:
        users, names = Overlay(tables.users), Overlay(tables.names)
        sessions, keys = Overlay(tables.sessions), Overlay(tables.signing_keys)
        generations, clients = Overlay(tables.ring_generations), Overlay(tables.clients)
        self.users = MemoryUserRepository(users, names)
        revocations, newest = Overlay(tables.revocations), Overlay(tables.newest_revocation)
        self.revocations = MemoryRevocationRepository(revocations, newest, clock)
        self.signing_keys = MemorySigningKeyRepository(keys, generations, clock)
        self.clients = MemoryClientRepository(clients)
        record: dict[str, Overlay[int, Any]] = {
            "entries": Overlay(tables.audit_entries),
            "failures": Overlay(tables.audit_failures),
            "seals": Overlay(tables.audit_seals),
            "checkpoints": Overlay(tables.audit_checkpoints),
            "counters": Overlay(tables.audit_counters),
        }
        self.audit = MemoryAuditRepository(**record, clock=clock)
        self.sessions = MemorySessionRepository(
            sessions,
            users,
            self.revocations,
            audit=self.audit,
            clock=clock,
            lifetimes=lifetimes,
            ring_generations=generations,
        )
        self._overlays: tuple[Overlay[Any, Any], ...] = (
            *record.values(),
            users,
            names,
            sessions,
            keys,
            generations,
            revocations,
            newest,
            clients,
        )

    async def claim(self, act: str) -> None:
        pass  # units of work take turns

    async def commit(self) -> None:
        for overlay in self._overlays:
            overlay.merge()


@asynccontextmanager
async def _begin(tables: _Tables, clock: Clock, lifetimes: Lifetimes) -> AsyncIterator[MemoryUnitOfWork]:
    async with tables.writing:
        yield MemoryUnitOfWork(tables, clock, lifetimes)


@final
class MemoryLiveStatements:
    def __init__(self, tables: _Tables, clock: Clock, lifetimes: Lifetimes) -> None:
        self._tables = tables
        self._clock = clock
        self._lifetimes = lifetimes

    async def find_by_username(self, username: Username) -> User | None:
        found = self._tables.names.get(username.key)
        return self._tables.users[found] if found else None

    async def list_users(self, *, after: UserId | None, limit: int) -> Sequence[User]:
        later = (user for user in self._tables.users.values() if after is None or user.id > after)
        return sorted(later, key=lambda user: user.id)[:limit]

    async def authenticate(self, *, session_id: SessionId, user_id: UserId) -> FoundCaller:
        session = self._tables.sessions.get(session_id)
        user = self._who_may_act(session) if session and session.user_id == user_id else None
        return FoundCaller(Actor(user, session) if user and session else None, self._tables.ring_generations[RING])

    async def list_live_sessions(self, user_id: UserId, *, before: SessionId | None, limit: int) -> Sequence[Session]:
        mine = self._sessions_of(user_id, before)
        return [session for session in mine if self._who_may_act(session)][:limit]

    async def list_ended_sessions(self, user_id: UserId, *, before: SessionId | None, limit: int) -> Sequence[Session]:
        mine = self._sessions_of(user_id, before)
        return [session for session in mine if not self._who_may_act(session)][:limit]

    def _sessions_of(self, user_id: UserId, before: SessionId | None) -> Sequence[Session]:
        found = self._tables.sessions.values()
        mine = [one for one in found if one.user_id == user_id and (before is None or one.id < before)]
        return sorted(mine, key=lambda session: session.id, reverse=True)

    async def count_sessions_by_key(self) -> Sequence[SessionsOfKey]:
        by_key: dict[bytes | None, list[Session]] = {}
        for session in self._tables.sessions.values():
            if self._who_may_act(session):
                by_key.setdefault(session.made_by, []).append(session)
        return [
            SessionsOfKey(made_by=made_by, count=len(found), over_by=max(session.ends_at(self._lifetimes) for session in found))
            for made_by, found in by_key.items()
        ]

    async def rotate(
        self,
        presented: PresentedRefreshToken,
        *,
        grace: timedelta,
        trace: Trace,
        made_by: bytes | None = None,
        origin: Origin = NOWHERE,
    ) -> RotationOutcome:
        async with _begin(self._tables, self._clock, self._lifetimes) as work:
            session = await work.sessions.get(presented.session_id)
            if (
                session is None
                or not hmac.compare_digest(session.secret_digest, presented.secret.digest)
                or self._who_may_act(session) is None
            ):
                return Unknown()
            now, generation = self._clock.now(), self._tables.ring_generations[RING]
            acts = {outcome: of_session(act, session) for outcome, act in acts_of_rotation(origin).items()}
            if presented.counter >= session.counter:
                stepped = replace(
                    session,
                    counter=presented.counter + 1,
                    rotated_at=now,
                    access_until=now + self._lifetimes.access,
                    network=trace.network,
                    made_by=made_by,
                    rotated_from=trace.digests[0],
                    strayed=False,
                    strays=session.strays if session.strayed else 0,
                )
                work.sessions.replace(stepped)
                ahead = presented.counter > session.counter
                if ahead:
                    work.audit.enter(acts["ahead"])
                await work.commit()
                return Ahead(stepped, generation) if ahead else Advanced(stepped, generation)
            if presented.counter == session.counter - 1 and now < session.rotated_at + grace:
                if session.made_by != made_by:
                    session = replace(session, made_by=None)
                    work.sessions.replace(session)
                if session.strayed or session.rotated_from is None or session.rotated_from in trace.digests:
                    await work.commit()
                    return Repeated(session, generation)
                strayed = replace(session, strayed=True, strays=session.strays + 1)
                shadowed = strayed.strays >= STRAYS_OF_A_SHADOW
                if shadowed:
                    strayed = work.sessions.end(strayed, reason=EndReason.SHADOWED)
                    work.audit.enter(acts["shadowed"])
                else:
                    work.sessions.replace(strayed)
                await work.commit()
                return Shadowed(strayed) if shadowed else Repeated(strayed, generation)
            ended = work.sessions.end(session, reason=EndReason.REFRESH_REUSE)
            work.audit.enter(acts["reused"])
            await work.commit()
            return Reused(ended)

    async def open_session(self, session: NewSession, *, most: int, act: Act) -> Opened | None:
        async with _begin(self._tables, self._clock, self._lifetimes) as work:
            opened = await work.sessions.open(session, act=act)
            if opened is None or await work.sessions.end_oldest_of(session.user_id, opened=session.id, most=most):
                return None
            await work.commit()
        return opened

    async def mark_seen(self, ids: Sequence[SessionId]) -> None:
        async with _begin(self._tables, self._clock, self._lifetimes) as work:
            now = self._clock.now()
            for session in [await work.sessions.get(each) for each in ids]:
                if session and session.is_to_be_marked(now):
                    work.sessions.replace(replace(session, seen_at=now))
            await work.commit()

    async def end_session(
        self, id: SessionId, *, reason: EndReason, user_id: UserId | None = None, act: Act | None = None
    ) -> EndedSession | None:
        async with _begin(self._tables, self._clock, self._lifetimes) as work:
            session = await work.sessions.get(id)
            if session is None or session.ended_at or user_id not in {None, session.user_id}:
                return None
            work.sessions.end(session, reason=reason)
            if act:
                work.audit.enter(of_session(act, session))
            await work.commit()
        return EndedSession(id=id, access_until=session.access_until)

    async def note_failure(self, failure: Failure) -> None:
        async with _begin(self._tables, self._clock, self._lifetimes) as work:
            work.audit.note(failure)
            await work.commit()

    async def read_revocations(self, after: FeedPosition | None, *, limit: int) -> RevocationPage:
        here = FeedPosition(epoch=self._tables.epoch, timeline=0, xid=0, id=self._tables.newest_revocation[1])
        known = after is not None and replace(after, id=0) == replace(here, id=0) and after.id <= here.id
        start = after.id if after and known else 0
        now = self._clock.now()
        entries = [entry for entry in self._tables.revocations.values() if entry.id > start and entry.until > now]
        page = sorted(entries, key=lambda entry: entry.id)[:limit]
        is_last = len(page) == len(entries)
        return RevocationPage(
            as_of=now,
            until=here if is_last else replace(here, id=page[-1].id),
            reset=not known,
            is_last=is_last,
            sessions=tuple(entry.session_id for entry in page if entry.session_id),
            kids=tuple(entry.kid for entry in page if entry.kid),
        )

    async def read_session(self, id: SessionId) -> Actor | None:
        session = self._tables.sessions.get(id)
        user = self._who_may_act(session) if session else None
        return Actor(user, session) if user and session else None

    async def find_client(self, id: ClientId) -> Client | None:
        return self._tables.clients.get(id)

    async def read_key_ring(self) -> StoredKeyRing:
        keys = tuple(sorted(self._tables.signing_keys.values(), key=lambda key: key.ordinal))
        return StoredKeyRing(generation=self._tables.ring_generations[RING], as_of=self._clock.now(), keys=keys)

    def _who_may_act(self, session: Session) -> User | None:
        user = self._tables.users[session.user_id]
        if (
            session.ended_at
            or session.has_expired(self._clock.now(), self._lifetimes)
            or user.disabled_at
            or session.generation < user.generation
        ):
            return None
        return user


@final
class MemoryStore:
    def __init__(self, clock: Clock, lifetimes: Lifetimes) -> None:
        self._tables = _Tables()
        self._clock = clock
        self._lifetimes = lifetimes
        self.live = MemoryLiveStatements(self._tables, clock, lifetimes)
        self.throttle = MemoryThrottleState(clock)

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return _begin(self._tables, self._clock, self._lifetimes)

    async def require_ready(self) -> None:
        pass

    async def unbounded(self) -> None:
        return None

    async def close(self) -> None:
        pass
