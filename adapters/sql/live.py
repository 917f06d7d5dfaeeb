"""The hot operations: one statement each, under AUTOCOMMIT, which is one send instead of three.

On SQLite, where nothing is sent, what may end a session takes two, in a transaction.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, final

import structlog
from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    Result,
    Row,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sql.audit_entries import Entering, noting
from adapters.sql.clients import client_from_row
from adapters.sql.deadlines import Deadlines
from adapters.sql.deferrals import Deferrals
from adapters.sql.engines import SECONDS_FOR_A_STATEMENT, StoreTime
from adapters.sql.reach import SECONDS_IN_ALL, Reach
from adapters.sql.revocations import execute_ending, page_of, reading, telling
from adapters.sql.schema import UtcDateTime, clients, sessions, users
from adapters.sql.sessions import ENDED, ended_from_row, ending, is_live, session_from_row
from adapters.sql.signing_keys import RING_GENERATION, ring_from_rows, whole_ring
from adapters.sql.users import user_from_row
from application.ports.live_statements import FoundCaller
from application.ports.unit_of_work import StoreUnavailable
from domain.actor import Actor
from domain.audit import Act, acts_of_rotation
from domain.audit_failures import Failure
from domain.client import Client, ClientId
from domain.errors import Unavailable
from domain.key_ring import StoredKeyRing
from domain.origin import NOWHERE, Origin, Trace
from domain.revocation import FeedPosition, RevocationPage
from domain.session import (
    SEEN_EVERY,
    STRAYS_OF_A_SHADOW,
    Advanced,
    Ahead,
    EndedSession,
    EndReason,
    Lifetimes,
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
        self._demoted = (func.pg_is_in_recovery() if engine.dialect.name == "postgresql" else literal(False)).label("demoted")

    async def find_by_username(self, username: Username) -> User | None:
        row = await self._trusted(users, users.c.username_key == username.key, *users.c)
        return user_from_row(row) if row.id else None

    async def list_users(self, *, after: UserId | None, limit: int) -> Sequence[User]:
        page = select(users).order_by(users.c.id).limit(limit)
        return [user_from_row(row) for row in await self._run(page if after is None else page.where(users.c.id > after))]

    async def authenticate(self, *, session_id: SessionId, user_id: UserId) -> FoundCaller:
        row = await self._trusted(
            sessions.join(users, users.c.id == sessions.c.user_id),
            and_(sessions.c.id == session_id, users.c.id == user_id, self._may_act()),
            RING_GENERATION,
            *users.c,
            *sessions.c,
        )
        return FoundCaller(_actor(list(row)[2:]) if row.id else None, row.ring_generation)

    async def read_session(self, id: SessionId) -> Actor | None:
        row = await self._trusted(
            sessions.join(users, users.c.id == sessions.c.user_id),
            and_(sessions.c.id == id, self._may_act()),
            *users.c,
            *sessions.c,
        )
        return _actor(list(row)[1:]) if row.id else None

    async def find_client(self, id: ClientId) -> Client | None:
        row = await self._trusted(clients, clients.c.id == id.text, *clients.c)
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
        return [session_from_row(row) for row in await self._run(found)]

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
            for row in await self._run(counted)
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
        if not grace:
            # Replayed without a window, a rotation whose answer was lost would look like reuse.
            return await self._in_time(lambda _: self._rotation(presented, grace, trace, made_by), origin, replay=False)
        with self._deferrals.of(presented, grace) as own:

            def rotation(waited: timedelta) -> ReturningUpdate[Any]:
                window = max(own, self._reach.outages.stretched(grace)) + waited
                return self._rotation(presented, window, trace, made_by)

            return await self._in_time(rotation, origin, replay=True)

    def _rotation(
        self, presented: PresentedRefreshToken, window: timedelta, trace: Trace, made_by: bytes | None
    ) -> ReturningUpdate[Any]:
        counter, token = sessions.c.counter, literal(presented.counter, sessions.c.counter.type)
        maker = literal(made_by, sessions.c.made_by.type)
        steps = token >= counter
        repeats = and_(token == counter - 1, sessions.c.rotated_at > self._time.ago(window))
        spent = and_(token < counter, ~repeats)
        # The first repeat from elsewhere counts, once for each rotation.
        elsewhere = and_(
            repeats,
            ~sessions.c.strayed,
            sessions.c.rotated_from.is_not(None),
            sessions.c.rotated_from.not_in(trace.digests),
        )
        shadowed = and_(elsewhere, sessions.c.strays >= STRAYS_OF_A_SHADOW - 1)
        ends = or_(spent, shadowed)
        return (
            update(sessions)
            .where(
                sessions.c.id == presented.session_id,
                sessions.c.secret_digest == presented.secret.digest,
                users.c.id == sessions.c.user_id,
                self._may_act(),
            )
            .values(
                outcome=case(
                    (token == counter, "advanced"),
                    (token > counter, "ahead"),
                    (shadowed, "shadowed"),
                    (repeats, "repeated"),
                    else_="reused",
                ),
                counter=case((steps, token + 1), else_=counter),
                rotated_at=case((steps, self._time.now()), else_=sessions.c.rotated_at),
                access_until=case((steps, self._time.ahead(self._lifetimes.access)), else_=sessions.c.access_until),
                network=case((steps, literal(trace.network, sessions.c.network.type)), else_=sessions.c.network),
                made_by=case(
                    (steps, maker),
                    (and_(repeats, sessions.c.made_by.is_distinct_from(maker)), null()),
                    else_=sessions.c.made_by,
                ),
                rotated_from=case(
                    (steps, literal(trace.digests[0], sessions.c.rotated_from.type)), else_=sessions.c.rotated_from
                ),
                strayed=case((steps, false()), (elsewhere, true()), else_=sessions.c.strayed),
                strays=case((and_(steps, ~sessions.c.strayed), 0), (elsewhere, sessions.c.strays + 1), else_=sessions.c.strays),
                ended_at=case((ends, self._time.now()), else_=null()),
                end_reason=case((spent, EndReason.REFRESH_REUSE.value), (shadowed, EndReason.SHADOWED.value), else_=null()),
            )
            .returning(*sessions.c, RING_GENERATION)
        )

    async def _in_time(
        self, rotation: Callable[[timedelta], ReturningUpdate[Any]], origin: Origin, *, replay: bool
    ) -> RotationOutcome:
        """Rotate, unless it is too late by then, which changes nothing. Once more if it only looked so: clocks are set.

        What it waited for its turn is not counted against its window.
        """
        entering = Entering(acts_of_rotation(origin), self._time)
        async with self._reach.translating() as turn:
            if self._engine.dialect.name != "postgresql":
                row = await self._end_here(rotation(turn.waited), entering)
                return _outcome(row) if row else Unknown()
            given_up = self._deadlines.now() + SECONDS_IN_ALL - turn.silence
            for _ in range(2):
                until = self._deadlines.at(min(self._deadlines.now() + SECONDS_FOR_A_STATEMENT, given_up))
                # Not now(), which is when a transaction began; and asked again for a row that has changed meanwhile.
                timely = rotation(turn.waited).where(func.clock_timestamp() <= literal(until, UtcDateTime))
                if found := (await self._try(telling(timely, self._time, entering), replay=replay)).one_or_none():
                    return _outcome(found)
                told = (await self._try(select(func.clock_timestamp()))).scalar_one()
                self._deadlines.learn(told)
                if told <= until:
                    return Unknown()
            raise StoreUnavailable

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
        return ended_from_row(row) if row else None

    async def note_failure(self, failure: Failure) -> None:
        try:
            await self._run(noting(failure, self._time))
        except Unavailable:
            self._lost += 1
            self._log.error("audit_entry_lost", action=failure.action.value, lost=self._lost)

    async def read_revocations(self, after: FeedPosition | None, *, limit: int) -> RevocationPage:
        rows = (await self._run(reading(self._engine.dialect.name, after, self._time, limit))).all()
        if rows[0].demoted:
            await self._reach.leave_server()
            raise StoreUnavailable
        return page_of(rows, limit)

    async def read_key_ring(self) -> StoredKeyRing:
        ring = ring_from_rows((await self._run(whole_ring(self._time))).all())
        self._deadlines.learn(ring.as_of)
        return ring

    def _may_act(self) -> ColumnElement[bool]:
        return is_live(self._time, self._lifetimes)

    async def _trusted(self, source: FromClause, condition: ColumnElement[bool], *columns: ColumnElement[Any]) -> Row[Any]:
        """One row, of nulls if there is none: a server says whether it was demoted also where it finds nothing.

        Else a session that the demoted server has not received yet would be a wrong "no".
        """
        one = select(literal(1).label("one")).subquery("o")
        found = select(self._demoted, *columns).select_from(one.outerjoin(source, condition))
        row = (await self._run(found)).one()
        if row.demoted:
            await self._reach.leave_server()
            raise StoreUnavailable
        return row

    async def _end(self, change: ReturningUpdate[Any], entering: Entering | None) -> Row[Any] | None:
        """Run a statement that may end a session, which is told and entered by the same act."""
        if self._engine.dialect.name == "postgresql":
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

    async def _try(self, statement: Executable, *, replay: bool = True) -> Result[Any]:
        """Run it; once more if a connection turned out to be dead, since none is tested before use."""
        try:
            return await self._once(statement)
        except DBAPIError as error:
            if not (replay and error.connection_invalidated):
                raise
        return await self._once(statement)

    async def _once(self, statement: Executable) -> Result[Any]:
        async with self._engine.connect() as connection:
            return await connection.execute(statement)


def _outcome(row: Row[Any]) -> RotationOutcome:
    going_on, session = _GOING_ON.get(row.outcome), session_from_row(row)
    return going_on(session, row.ring_generation) if going_on else _ENDING[row.outcome](session)


def _actor(values: list[Any]) -> Actor:
    """Of a row of the user's columns and then the session's: the names alone would not tell them apart."""
    user = SimpleNamespace(**dict(zip(users.c.keys(), values, strict=False)))
    session = SimpleNamespace(**dict(zip(sessions.c.keys(), values[len(users.c) :], strict=True)))
    return Actor(user_from_row(user), session_from_row(session))
