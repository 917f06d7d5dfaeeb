"""Sessions in SQL, within a unit of work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, final

from sqlalchemy import ColumnElement, Select, Text, Uuid, and_, delete, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from adapters.sql.audit_entries import Entering, detail_of
from adapters.sql.engines import StoreTime
from adapters.sql.hot import HotStatement, HotStatements, given, of_each_run
from adapters.sql.revocations import execute_ending
from adapters.sql.schema import UtcDateTime, sessions, users
from adapters.sql.signing_keys import RING_GENERATION
from domain.audit import Act
from domain.origin import NOWHERE, Device, DeviceKind
from domain.session import (
    AuthenticationMethod,
    EndedSession,
    EndReason,
    Lifetimes,
    NewSession,
    Opened,
    Session,
    SessionId,
    Sweep,
    SweepPosition,
)
from domain.user import UserId

# Log-ins of one user that may be under way at once: what these open is not seen yet where sessions are counted.
MOST_RIVALS = 50
ENDED = "ended"  # the outcome of a statement that ends what it finds
_OPENED = "opened"
_STORED = [column for column in sessions.c if column is not sessions.c.outcome]
_BY_CALLER = [
    sessions.c[name]
    for name in ("id", "secret_digest", "authenticated_by", "browser", "system", "device_kind", "network", "made_by")
]


@final
class SqlSessionRepository:
    def __init__(self, connection: AsyncConnection, hot: HotStatements, time: StoreTime, lifetimes: Lifetimes) -> None:
        self._connection = connection
        self._hot = hot
        self._time = time
        self._lifetimes = lifetimes
        self._on_postgresql = connection.dialect.name == "postgresql"
        self._others: dict[SessionId, int] = {}  # live sessions of the user, beside the one that was opened

    async def open(self, session: NewSession, *, act: Act | None = None) -> Opened | None:
        one = opening(session, act, time=self._time, lifetimes=self._lifetimes, on_postgresql=self._on_postgresql)
        rows = await self._hot.fetch_within(self._connection, one.name, one.make, one.values)
        if not rows:
            return None
        [row] = rows
        if self._on_postgresql:
            self._others[session.id] = row.others
        elif act:
            await Entering({_OPENED: act}, self._time).after(self._connection, [row])
        return Opened(session_from_row(row), row.ring_generation)

    async def get(self, id: SessionId) -> Session | None:
        row = (await self._connection.execute(select(sessions).where(sessions.c.id == id))).one_or_none()
        return session_from_row(row) if row else None

    async def carry_over(self, id: SessionId, *, generation: int) -> bool:
        carried = update(sessions).where(sessions.c.id == id, sessions.c.ended_at.is_(None)).values(generation=generation)
        return (await self._connection.execute(carried)).rowcount == 1

    async def end_oldest_of(
        self, user_id: UserId, *, opened: SessionId, most: int, act: Act | None = None
    ) -> Sequence[EndedSession]:
        if self._others.get(opened, most) + MOST_RIVALS < most:
            return ()
        beyond = _others_of(user_id, opened, self._time, self._lifetimes).order_by(sessions.c.id.desc()).offset(most - 1)
        change = ending(sessions.c.id.in_(beyond), reason=EndReason.SESSION_LIMIT, time=self._time)
        ended = await execute_ending(self._connection, change, self._time, Entering({ENDED: act}, self._time) if act else None)
        return [ended_from_row(row) for row in ended]

    async def end_all_of(
        self, user_id: UserId, *, reason: EndReason, spared: SessionId | None = None
    ) -> Sequence[EndedSession]:
        others = [sessions.c.id != spared] if spared else []
        change = ending(sessions.c.user_id == user_id, *others, reason=reason, time=self._time)
        ended = await execute_ending(self._connection, change, self._time)
        return [ended_from_row(row) for row in ended]

    async def remove_ended(self, *, limit: int) -> int:
        ended = sessions.c.ended_at <= self._time.ago(self._lifetimes.kept)
        return await self._remove(select(sessions.c.id).where(ended).order_by(sessions.c.ended_at).limit(limit))

    async def remove_expired(self, *, after: SweepPosition | None, limit: int) -> Sweep:
        idle, absolute, kept = self._lifetimes.idle, self._lifetimes.absolute, self._lifetimes.kept
        created_at, place = sessions.c.created_at, tuple_(sessions.c.created_at, sessions.c.id)
        over = or_(created_at <= self._time.ago(absolute + kept), sessions.c.rotated_at <= self._time.ago(idle + kept))
        beyond = [place > tuple_(literal(after.created_at, UtcDateTime), literal(after.id, Uuid))] if after else []
        # What is over was opened so long ago. Only what is looked at is bounded: most of it may live.
        looked_at = (
            select(sessions.c.id, created_at, over.label("over"))
            .where(sessions.c.ended_at.is_(None), created_at <= self._time.ago(min(idle, absolute) + kept), *beyond)
            .order_by(created_at, sessions.c.id)
            .limit(limit)
        )
        rows = (await self._connection.execute(looked_at)).all()
        doomed = [row.id for row in rows if row.over]
        removed = await self._remove(select(sessions.c.id).where(sessions.c.id.in_(doomed), over)) if doomed else 0
        return Sweep(removed=removed, upto=SweepPosition(rows[-1].created_at, rows[-1].id) if len(rows) == limit else None)

    async def _remove(self, which: Select[Any]) -> int:
        # Locked in a CTE, which is evaluated once: a subquery may not be, and remove more.
        doomed = which.with_for_update(skip_locked=True).cte("doomed")
        removal = delete(sessions).where(sessions.c.id.in_(select(doomed.c.id))).returning(sessions.c.id)
        return len((await self._connection.execute(removal)).all())


@final
@dataclass(frozen=True, slots=True)
class Opening:
    """A statement that opens a session: the name under which it is put together, how, and what it is given this time."""

    name: str
    make: Callable[[], HotStatement]
    values: Mapping[str, Any]


def opening(
    session: NewSession,
    act: Act | None,
    *,
    time: StoreTime,
    lifetimes: Lifetimes,
    on_postgresql: bool,
    among_fewer_than: int | None = None,
) -> Opening:
    """On PostgreSQL it also enters `act`; and counts the user's others, or opens nothing unless they are so few."""
    entered, detail = (replace(act, origin=NOWHERE), detail_of(act.origin)) if act else (None, None)
    values = {
        "id": session.id,
        "user_id": session.user_id,
        "generation": session.generation,
        "secret_digest": session.secret_digest,
        "authenticated_by": session.authenticated_by.value,
        "browser": session.device.browser,
        "system": session.device.system,
        "device_kind": session.device.kind.value,
        "network": session.network,
        "made_by": session.made_by,
        "turn": str(session.user_id),
    }
    if detail:
        values |= {"salt": detail.salt, "text": detail.text, "digest": detail.digest}

    def make() -> HotStatement:
        others = select(func.count()).select_from(_others_of(given("user_id"), given("id"), time, lifetimes).subquery())
        counted, few = [others.scalar_subquery().label("others"), _turn()], []
        if among_fewer_than is not None:
            counted, few = [], [others.scalar_subquery() < literal(among_fewer_than)]
        opened = _inserting(few, counted if on_postgresql else [], of_each_run(time), lifetimes)
        if not on_postgresql:
            return opened
        changed = opened.cte("opened")
        of_it = SimpleNamespace(**{part: given(part) for part in ("salt", "text", "digest")}) if detail else None
        return select(changed).add_cte(*(Entering({_OPENED: entered}, time, of_it).hanging_on(changed) if entered else ()))

    return Opening(f"opening, {among_fewer_than}, {'with' if detail else 'without'} a detail: {entered}", make, values)


def _inserting(
    few: Sequence[ColumnElement[bool]], counted: Sequence[ColumnElement[Any]], time: StoreTime, lifetimes: Lifetimes
) -> ReturningInsert[Any]:
    # FOR SHARE waits for whoever is changing the user, and then looks again: without it a log-in that is in flight over
    # a change of password still opens. (SQLite has one writer.)
    values = {column.name: literal(given(column.name), column.type) for column in _BY_CALLER} | {
        "user_id": users.c.id,
        "generation": users.c.generation,
        "counter": literal(0),
        "created_at": time.now(),
        "rotated_at": time.now(),
        "access_until": time.ahead(lifetimes.access),
    }
    of_user = users.c.id == given("user_id"), users.c.generation == given("generation"), users.c.disabled_at.is_(None)
    unchanged = select(*values.values()).where(*of_user, *few).with_for_update(read=True)
    opened = insert(sessions).from_select(list(values), unchanged)
    return opened.returning(*_STORED, literal(_OPENED).label("outcome"), RING_GENERATION, *counted)


def _turn() -> ColumnElement[Any]:
    """Rivals hold the same share of the user's row and do not see what each other opens: they take turns from here on.

    What is counted is as of before the turn. SQLite has one writer, to whom a statement more is no way to go.
    """
    return func.pg_advisory_xact_lock(func.hashtextextended(literal(given("turn"), Text), 0)).label("turn")


def _others_of(user_id: Any, opened: Any, time: StoreTime, lifetimes: Lifetimes) -> Select[Any]:
    return (
        select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.user_id == user_id, sessions.c.id != opened, is_live(time, lifetimes))
        .correlate(None)
    )


def is_live(time: StoreTime, lifetimes: Lifetimes) -> ColumnElement[bool]:
    """Of a session joined with its user: both are. The user's generation may lag behind the session's."""
    return and_(
        sessions.c.ended_at.is_(None),
        sessions.c.created_at > time.ago(lifetimes.absolute),
        sessions.c.rotated_at > time.ago(lifetimes.idle),
        sessions.c.generation >= users.c.generation,
        users.c.disabled_at.is_(None),
    )


def ending(*which: ColumnElement[bool], reason: EndReason, time: StoreTime) -> ReturningUpdate[Any]:
    """The statement that ends sessions, and tells which it ended: the only one, beside the rotation that finds out misuse.

    Run by `execute_ending`, which tells others of it.
    """
    return (
        update(sessions)
        .where(sessions.c.ended_at.is_(None), *which)
        .values(ended_at=time.now(), end_reason=reason.value)
        .returning(
            sessions.c.id, sessions.c.user_id, sessions.c.access_until, sessions.c.ended_at, literal(ENDED).label("outcome")
        )
    )


def ended_from_row(row: Any) -> EndedSession:
    return EndedSession(id=SessionId(row.id), access_until=row.access_until)


def session_from_row(row: Any) -> Session:
    return Session(
        id=SessionId(row.id),
        user_id=UserId(row.user_id),
        generation=row.generation,
        counter=row.counter,
        secret_digest=row.secret_digest,
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        access_until=row.access_until,
        ended_at=row.ended_at,
        end_reason=EndReason(row.end_reason) if row.end_reason else None,
        authenticated_by=AuthenticationMethod(row.authenticated_by),
        device=Device(browser=row.browser, system=row.system, kind=DeviceKind(row.device_kind)),
        network=row.network,
        made_by=row.made_by,
        seen_at=row.seen_at,
        rotated_from=row.rotated_from,
        strayed=row.strayed,
        strays=row.strays,
    )
