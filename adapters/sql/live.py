"""The hot operations: one statement each, under AUTOCOMMIT, which is one send instead of three.

On SQLite, where nothing is sent, what may end a session takes two, in a transaction.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, final

import structlog
from sqlalchemy import ColumnElement, Executable, FromClause, Result, Row, Select, and_, func, literal, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sql.advances import Advances
from adapters.sql.audit_entries import Entering, detail_of, noting
from adapters.sql.clients import client_from_row
from adapters.sql.deadlines import Deadlines
from adapters.sql.deferrals import Deferrals
from adapters.sql.engines import SECONDS_FOR_A_STATEMENT, StoreTime
from adapters.sql.hot import HotStatements, given, of_each_run, row_type
from adapters.sql.reach import SECONDS_IN_ALL, Reach
from adapters.sql.revocations import execute_ending, page_of, reading, telling
from adapters.sql.rivals import again_after
from adapters.sql.rotation import IN_TIME, advancing, rotating
from adapters.sql.schema import clients, sessions, users
from adapters.sql.sessions import ENDED, MOST_RIVALS, ended_from_row, ending, is_live, opening, session_from_row
from adapters.sql.signing_keys import RING_GENERATION, ring_from_rows, whole_ring
from adapters.sql.together import Together, room_for
from adapters.sql.users import user_from_row
from application.ports.sessions import FoundCaller
from application.ports.unit_of_work import StoreUnavailable
from domain.actor import Actor
from domain.audit import Act, Detail, acts_of_rotation
from domain.audit_failures import Failure
from domain.client import Client, ClientId
from domain.errors import Unavailable
from domain.key_ring import StoredKeyRing
from domain.origin import NOWHERE, Origin, Trace
from domain.revocation import FeedPosition, RevocationPage
from domain.session import (
    SEEN_EVERY,
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
from domain.user import User, UserId
from domain.username import Username

_GOING_ON: dict[str, type[Advanced | Repeated | Ahead]] = {"advanced": Advanced, "repeated": Repeated, "ahead": Ahead}
_UserRow, _SessionRow = row_type(users.c.keys()), row_type(sessions.c.keys())
_WITH_USER = sessions.join(users, users.c.id == sessions.c.user_id)
_Callers = tuple[int, Mapping[SessionId, Any]]  # the generation of the key ring, and rows
_SPENDING = ("session_id", "secret_digest", "counter", "network", "made_by")
_ENDING: dict[str, type[Reused | Shadowed]] = {"reused": Reused, "shadowed": Shadowed}


@final
class SqlLiveStatements:
    def __init__(self, engine: AsyncEngine, reach: Reach, time: StoreTime, lifetimes: Lifetimes, deadlines: Deadlines) -> None:
        self._transactions = engine
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reach = reach
        self._time = time
        self._lifetimes = lifetimes
        self._deadlines = deadlines
        self._deferrals = Deferrals()
        self._log: Any = structlog.get_logger("portunus.storage")
        self._lost = 0  # failures that this process could not note
        # A server that was demoted goes on answering reads, without an error.
        self._is_on_postgresql = engine.dialect.name == "postgresql"
        self._demoted = (func.pg_is_in_recovery() if self._is_on_postgresql else literal(False)).label("demoted")
        self._hot = HotStatements(engine, time)
        self._callers: Together[SessionId, _Callers] = Together(self._find_callers)
        self._each_time = of_each_run(time)
        self._advances = Advances(self._hot, reach, time, lifetimes, deadlines)

    async def find_by_username(self, username: Username) -> User | None:
        row = await self._trusted(self._user, username_key=username.key)
        return user_from_row(row) if row.id else None

    async def list_users(self, *, after: UserId | None, limit: int) -> Sequence[User]:
        page = select(users).order_by(users.c.id).limit(limit)
        return [user_from_row(row) for row in await self._read(page if after is None else page.where(users.c.id > after))]

    async def authenticate(self, *, session_id: SessionId, user_id: UserId) -> FoundCaller:
        ring_generation, rows = await self._callers.ask(session_id)
        row = rows.get(session_id)
        # Told of the user, too, PostgreSQL would look among the user's sessions, by an index that no refresh keeps in memory.
        return FoundCaller(_actor(row[3:]) if row and row.user_id == user_id else None, ring_generation)

    async def _find_callers(self, ids: Sequence[SessionId]) -> _Callers:
        """By one of a few statements, the next one that has room for all: the last id stands in the places that are left."""
        size = room_for(len(ids))
        asked = [*ids, *[ids[-1]] * (size - len(ids))]
        rows = await self._all_trusted(f"{size} callers", self._callers_of, {f"id{at}": each for at, each in enumerate(asked)})
        return rows[0].ring_generation, {row.session_id: row for row in rows}

    async def read_session(self, id: SessionId) -> Actor | None:
        row = await self._trusted(self._holder, session_id=id)
        return _actor(row[1:]) if row.id else None

    async def find_client(self, id: ClientId) -> Client | None:
        row = await self._trusted(self._client, id=id.text)
        return client_from_row(row) if row.id else None

    async def list_live_sessions(self, user_id: UserId, *, before: SessionId | None, limit: int) -> Sequence[Session]:
        return await self._list_sessions(user_id, self._may_act(), before=before, limit=limit)

    async def list_ended_sessions(self, user_id: UserId, *, before: SessionId | None, limit: int) -> Sequence[Session]:
        return await self._list_sessions(user_id, ~self._may_act(), before=before, limit=limit)

    async def _list_sessions(
        self, user_id: UserId, which: ColumnElement[bool], *, before: SessionId | None, limit: int
    ) -> Sequence[Session]:
        earlier = [sessions.c.id < before] if before else []
        found = (
            select(sessions)
            .join(users, users.c.id == sessions.c.user_id)
            .where(sessions.c.user_id == user_id, which, *earlier)
            .order_by(sessions.c.id.desc())
            .limit(limit)
        )
        return [session_from_row(row) for row in await self._read(found)]

    async def count_sessions_by_key(self) -> Sequence[SessionsOfKey]:
        newest, last_rotated = func.max(sessions.c.created_at), func.max(sessions.c.rotated_at)
        counted = (
            select(sessions.c.made_by, func.count().label("number"), newest.label("newest"), last_rotated.label("last_rotated"))
            .join(users, users.c.id == sessions.c.user_id)
            .where(self._may_act())
            .group_by(sessions.c.made_by)
        )
        idle, absolute = self._lifetimes.idle, self._lifetimes.absolute
        return [
            SessionsOfKey(made_by=row.made_by, count=row.number, over_by=min(row.newest + absolute, row.last_rotated + idle))
            for row in await self._read(counted)
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
        spending = {
            "session_id": presented.session_id,
            "secret_digest": presented.secret.digest,
            "counter": presented.counter,
            "network": trace.network,
            "made_by": made_by,
        }
        if not grace:
            # Replayed without a window, a rotation whose answer was lost would look like reuse.
            return await self._rotate(spending, trace.digests, lambda: grace, origin, replay=False)
        with self._deferrals.of(presented, grace) as own:
            row, waited = None, timedelta(0)
            if self._is_on_postgresql:
                row, waited = await self._advances.advance({**spending, "digest": trace.digests[0]})
            if row:
                return _outcome(row)
            # Most likely no newest token: what else it may be is decided anew, by a statement that knows all there is.
            return await self._rotate(
                spending,
                trace.digests,
                lambda: max(own, self._reach.outages.stretched(grace)) + waited,
                origin,
                replay=True,
            )

    async def _rotate(
        self,
        spending: Mapping[str, Any],
        digests: Sequence[bytes],
        window: Callable[[], timedelta],
        origin: Origin,
        *,
        replay: bool,
    ) -> RotationOutcome:
        """Rotate, unless it is too late by then, which changes nothing. Once more if it only looked so: clocks are set.

        What it waited for its turn is not counted against its window.
        """
        async with self._reach.translating() as wait:
            if not self._is_on_postgresql:
                return await self._rotate_here(spending, digests, window() + wait.waited, origin)
            values = {**spending, **_numbered(digests)}
            given_up = self._deadlines.now() + SECONDS_IN_ALL - wait.silence
            for _ in range(2):
                until = self._deadlines.at(min(self._deadlines.now() + SECONDS_FOR_A_STATEMENT, given_up))
                values["until"] = until
                values["window"] = window() + wait.waited
                if found := await self._decide(values, len(digests), origin, replay=replay):
                    return _outcome(found[0])
                [(told,)] = await self._hot.fetch("clock", lambda: select(func.clock_timestamp()), {})
                self._deadlines.learn(told)
                if told <= until:
                    return Unknown()
            raise StoreUnavailable

    async def _decide(self, values: Mapping[str, Any], digests: int, origin: Origin, *, replay: bool) -> Sequence[Any]:
        detail = detail_of(origin)
        name = f"rotation, of {digests} digests, {'with' if detail else 'without'} a detail"
        if detail:
            values = {**values, "salt": detail.salt, "text": detail.text, "digest": detail.digest}
        return await self._hot.fetch(name, partial(self._timely, digests, detail), values, replay=replay)

    async def _rotate_here(
        self,
        spending: Mapping[str, Any],
        digests: Sequence[bytes],
        window: timedelta,
        origin: Origin,
    ) -> RotationOutcome:
        """An advance is told to nobody and entered nowhere: it needs no transaction. Whatever is none is looked at anew."""
        if advanced := await self._hot.fetch("advance", self._advance, {**spending, "digest": digests[0]}):
            return _outcome(advanced[0])
        change = rotating(**spending, digests=digests, window=window, time=self._time, lifetimes=self._lifetimes)
        row = await self._end_here(change, Entering(acts_of_rotation(origin), self._time))
        return _outcome(row) if row else Unknown()

    def _advance(self) -> ReturningUpdate[Any]:
        spending = {name: given(name) for name in (*_SPENDING, "digest")}
        return advancing(**spending, time=self._each_time, lifetimes=self._lifetimes)

    def _timely(self, digests: int, detail: Detail | None) -> Select[Any]:
        change = rotating(
            **{name: given(name) for name in _SPENDING},
            digests=[given(f"digest{number}") for number in range(digests)],
            window=given("window"),
            time=self._each_time,
            lifetimes=self._lifetimes,
        )
        of_each = SimpleNamespace(**{part: given(part) for part in ("salt", "text", "digest")}) if detail else None
        return telling(change.where(IN_TIME), self._time, Entering(acts_of_rotation(NOWHERE), self._time, of_each))

    async def open_session(self, session: NewSession, *, most: int, act: Act) -> Opened | None:
        few = most - MOST_RIVALS
        if few <= 0 or not self._is_on_postgresql:  # on SQLite to open and to enter are two statements
            return None
        one = opening(session, act, time=self._time, lifetimes=self._lifetimes, on_postgresql=True, among_fewer_than=few)
        async with self._reach.translating():
            rows = await self._hot.fetch(one.name, one.make, one.values, replay=False)
        return Opened(session_from_row(rows[0]), rows[0].ring_generation) if rows else None

    async def mark_seen(self, ids: Sequence[SessionId]) -> None:
        long_ago = self._time.ago(SEEN_EVERY)
        due = (
            select(sessions.c.id)
            .where(
                sessions.c.id.in_(ids),
                sessions.c.ended_at.is_(None),
                sessions.c.rotated_at <= long_ago,
                or_(sessions.c.seen_at.is_(None), sessions.c.seen_at <= long_ago),
            )
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        await self._run(update(sessions).where(sessions.c.id.in_(select(due.c.id))).values(seen_at=self._time.now()))

    async def end_session(
        self, id: SessionId, *, reason: EndReason, user_id: UserId | None = None, act: Act | None = None
    ) -> EndedSession | None:
        of_user = [sessions.c.user_id == user_id] if user_id else []
        change = ending(sessions.c.id == id, *of_user, reason=reason, time=self._time)
        row = await self._end(change, Entering({ENDED: act}, self._time) if act else None)
        if row is None and self._is_on_postgresql:
            # Given up while a standby was waited for, an ending is committed here all the same. To write waits for it again.
            await self._run(select(func.pg_logical_emit_message(True, "portunus", "")))
        return ended_from_row(row) if row else None

    async def note_failure(self, failure: Failure) -> None:
        try:
            await self._run(noting(failure, self._time))
        except Unavailable:
            self._lost += 1
            self._log.error("audit_entry_lost", action=failure.action.value, lost=self._lost)

    async def read_revocations(self, after: FeedPosition | None, *, limit: int) -> RevocationPage:
        row = (await self._read(reading(self._engine.dialect.name, after, self._time, limit))).one()
        if row.demoted:
            await self._reach.leave_server()
            raise StoreUnavailable
        return page_of(row, limit)

    async def read_key_ring(self) -> StoredKeyRing:
        ring = ring_from_rows((await self._read(whole_ring(self._time))).all())
        self._deadlines.learn(ring.as_of)
        return ring

    def _may_act(self) -> ColumnElement[bool]:
        return is_live(self._time, self._lifetimes)

    async def _trusted(self, make: Callable[..., Select[Any]], **values: Any) -> Any:
        [row] = await self._all_trusted(make.__name__, lambda names: make(**{name: given(name) for name in names}), values)
        return row

    async def _all_trusted(
        self, name: str, make: Callable[[Iterable[str]], Select[Any]], values: Mapping[str, Any]
    ) -> Sequence[Any]:
        """One row, of nulls, if there is none: a server says whether it was demoted also where it finds nothing.

        Else a session that the demoted server has not received yet would be a wrong "no".
        """
        async with self._reach.reading():
            rows = await self._hot.fetch(name, lambda: make(values), values)
        if rows[0].demoted:
            await self._reach.leave_server()
            raise StoreUnavailable
        return rows

    def _user(self, *, username_key: Any) -> Select[Any]:
        return self._or_nulls(users, users.c.username_key == username_key, *users.c)

    def _client(self, *, id: Any) -> Select[Any]:
        return self._or_nulls(clients, clients.c.id == id, *clients.c)

    def _callers_of(self, names: Iterable[str]) -> Select[Any]:
        asked = [literal(given(name), sessions.c.id.type) for name in names]
        live = and_(sessions.c.id.in_(asked), is_live(self._each_time, self._lifetimes))
        return self._or_nulls(_WITH_USER, live, RING_GENERATION, sessions.c.id.label("session_id"), *users.c, *sessions.c)

    def _holder(self, *, session_id: Any) -> Select[Any]:
        live = and_(sessions.c.id == session_id, is_live(self._each_time, self._lifetimes))
        return self._or_nulls(_WITH_USER, live, *users.c, *sessions.c)

    def _or_nulls(self, source: FromClause, condition: ColumnElement[bool], *columns: ColumnElement[Any]) -> Select[Any]:
        one = select(literal(1).label("one")).subquery("o")
        return select(self._demoted, *columns).select_from(one.outerjoin(source, condition))

    async def _end(self, change: ReturningUpdate[Any], entering: Entering | None) -> Row[Any] | None:
        """Run a statement that may end a session, which is told and entered by the same act."""
        if self._is_on_postgresql:
            return (await self._run(telling(change, self._time, entering))).one_or_none()
        async with self._reach.translating():
            return await self._end_here(change, entering)

    async def _end_here(self, change: ReturningUpdate[Any], entering: Entering | None) -> Row[Any] | None:
        async with self._transactions.begin() as connection:
            rows = await execute_ending(connection, change, self._time, entering)
        return rows[0] if rows else None

    async def _run(self, statement: Executable) -> Result[Any]:
        async with self._reach.translating():
            return await self._try(statement)

    async def _read(self, statement: Executable) -> Result[Any]:
        async with self._reach.reading():
            return await self._try(statement)

    async def _try(self, statement: Executable, *, replay: bool = True) -> Result[Any]:
        """Run it; once more if a connection turned out to be dead, since none is tested before use; again after a rival."""
        try:
            return await self._once(statement)
        except DBAPIError as error:
            if not (replay and error.connection_invalidated):
                return await again_after(error, lambda: self._once(statement))
        return await self._once(statement)

    async def _once(self, statement: Executable) -> Result[Any]:
        async with self._engine.connect() as connection:
            return await connection.execute(statement)


def _numbered(digests: Sequence[bytes]) -> dict[str, bytes]:
    return {f"digest{number}": digest for number, digest in enumerate(digests)}


def _outcome(row: Any) -> RotationOutcome:
    going_on, session = _GOING_ON.get(row.outcome), session_from_row(row)
    return going_on(session, row.ring_generation) if going_on else _ENDING[row.outcome](session)


def _actor(values: Sequence[Any]) -> Actor:
    """Of a row of the user's columns and then the session's: the names alone would not tell them apart."""
    user, session = _UserRow(values[: len(users.c)]), _SessionRow(values[len(users.c) :])
    return Actor(user_from_row(user), session_from_row(session))
