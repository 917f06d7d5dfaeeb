"""The audit trail in SQL, within a unit of work.

On PostgreSQL the order of sealing is that of transactions, and what can be sealed is what no transaction under way can still
add to. SQLite has one writer, and the order is that of the ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.audit_entries import enter, enter_at_once
from adapters.sql.engines import StoreTime
from adapters.sql.hot import HotStatements
from adapters.sql.schema import UtcDateTime, Xid8, audit_checkpoints, audit_details, audit_entries, audit_failures, audit_seals
from application.ports.audit import Grants, Unsealed, Waiting, Wanted
from domain.audit import Act, Action, Agent, Detail, Entry, Outcome, Recorded
from domain.audit_failures import Failure, Gathered, PendingFailure
from domain.audit_seals import Anchor, Checkpoint, Seal
from domain.origin import NOWHERE
from domain.session import SessionId
from domain.user import UserId

_BEYOND = 2**62
_MOST = 2**63 - 1
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_CODES: Mapping[str, str] = {code.value: code for codes in (Action, Outcome, Agent) for code in codes}
_GRANTS = text("""
SELECT current_user AS role, bool_or(pg_has_role(relowner, 'MEMBER')) AS owns_it,
  bool_or(has_table_privilege(oid, 'DELETE, TRUNCATE') OR has_any_column_privilege(oid, 'UPDATE'))
    FILTER (WHERE relname <> 'audit_failures') AS may_change,
  bool_and(has_table_privilege(oid, 'INSERT')) FILTER (WHERE relname <> 'audit_checkpoints') AS may_add
FROM pg_class WHERE oid IN ('audit_entries'::regclass, 'audit_details'::regclass, 'audit_seals'::regclass,
  'audit_checkpoints'::regclass, 'audit_failures'::regclass)
""")


@final
class SqlAuditRepository:
    def __init__(self, connection: AsyncConnection, hot: HotStatements, time: StoreTime) -> None:
        self._connection = connection
        self._hot = hot
        self._time = time
        self._by_xid = connection.dialect.name == "postgresql"

    async def add(self, act: Act) -> None:
        if self._by_xid:
            await enter_at_once(self._connection, self._hot, act, self._time)
        else:
            await enter(self._connection, act, self._time)

    async def see_one_moment(self) -> None:
        if self._by_xid:
            await self._connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))

    async def take_failures(self, *, most: int) -> Waiting:
        now = (await self._connection.execute(select(self._time.now()))).scalar_one()
        rows = await self._connection.execute(select(audit_failures).order_by(audit_failures.c.id).limit(most))
        return Waiting(failures=[_pending(row) for row in rows], now=now)

    async def settle_failures(self, gathered: Gathered) -> None:
        waiting = audit_failures.c.id
        if gathered.entered:
            await self._connection.execute(update(audit_failures).where(waiting.in_(gathered.entered)).values(entered=True))
        if gathered.over:
            await self._connection.execute(delete(audit_failures).where(waiting.in_(gathered.over)))

    async def read_unsealed(self, *, most: int) -> Unsealed:
        stands_on = await self._newest_seal() or await self.checkpoint()
        before = stands_on.anchor(Anchor()) if isinstance(stands_on, Seal) else stands_on.anchor if stands_on else Anchor()
        era, since, upto = before.era, before.upto, await self._safe_position()
        unsealed = partial(Unsealed, before=before, stands_on=stands_on, at=await self._now())
        if upto < since:  # another server, which counts its transactions anew
            left = await self._run(audit_entries.c.id > era, self._from(since))
            if left:
                return unsealed(run=left, era=era, upto=left[-1].entry.position + 1, is_all=False)
            era, since = before.last_id, 0
        run = await self._run(audit_entries.c.id > era, self._from(since), ~self._from(upto), limit=most + 1)
        is_all = len(run) <= most
        if not is_all:
            last = run[-1].entry.position
            whole = [one for one in run if one.entry.position < last]
            upto = last if whole else last + 1
            run = whole or await self._run(audit_entries.c.id > era, self._from(last), ~self._from(upto))
        return unsealed(run=run, era=era, upto=upto, is_all=is_all)

    async def add_seal(self, seal: Seal) -> None:
        if self._by_xid:
            # A runner may still see the moment before a rival sealed: it is told so, and tries anew.
            await self._connection.execute(postgresql.insert(audit_seals).values(asdict(seal)).on_conflict_do_nothing())
        else:
            await self._connection.execute(insert(audit_seals).values(asdict(seal)))

    async def checkpoint(self) -> Checkpoint | None:
        newest = select(audit_checkpoints).order_by(audit_checkpoints.c.ordinal.desc()).limit(1)
        row = (await self._connection.execute(newest)).one_or_none()
        return _checkpoint(row) if row else None

    async def newest_seal(self) -> Seal | None:
        newest = select(audit_seals).order_by(audit_seals.c.ordinal.desc()).limit(1)
        row = (await self._connection.execute(newest)).one_or_none()
        return _seal(row) if row else None

    async def seals_after(self, ordinal: int, *, limit: int) -> Sequence[Seal]:
        found = select(audit_seals).where(audit_seals.c.ordinal > ordinal).order_by(audit_seals.c.ordinal).limit(limit)
        return [_seal(row) for row in await self._connection.execute(found)]

    async def eras(self) -> Sequence[int]:
        eras = select(audit_seals.c.era).distinct().order_by(audit_seals.c.era)
        return list((await self._connection.execute(eras)).scalars())

    async def run_of(self, *, era: int, until_id: int | None, since: int, upto: int) -> Sequence[Recorded]:
        return await self._run(*self._within(era, until_id, since, upto))

    async def find(self, wanted: Wanted, *, limit: int) -> Sequence[Recorded]:
        found = finding(self._connection.dialect.name, wanted, limit=limit)
        return [recorded_from_row(row) for row in await self._connection.execute(found)]

    async def prune(self, checkpoint: Checkpoint) -> int:
        before = (await self.checkpoint() or Checkpoint(anchor=Anchor(), pruned_at=checkpoint.pruned_at)).anchor
        eras, count = [*await self.eras(), None], 0
        for seal in await self.seals_after(before.ordinal, limit=checkpoint.anchor.ordinal - before.ordinal):
            since = before.upto if seal.era == before.era else 0
            until_id = eras[eras.index(seal.era) + 1]
            covered = self._within(seal.era, until_id, since, seal.upto)
            count += (await self._connection.execute(delete(audit_entries).where(*covered))).rowcount
            before = seal.anchor(before)
        ordinal = checkpoint.anchor.ordinal
        await self._connection.execute(delete(audit_seals).where(audit_seals.c.ordinal <= ordinal))
        await self._connection.execute(delete(audit_checkpoints))
        kept = {**asdict(checkpoint.anchor), "pruned_at": checkpoint.pruned_at, "mac": checkpoint.mac}
        await self._connection.execute(insert(audit_checkpoints).values(kept))
        return count

    async def grants(self) -> Grants | None:
        if not self._by_xid:
            return None
        return Grants(**(await self._connection.execute(_GRANTS)).one()._mapping)

    async def erase_details_of(self, user_id: UserId) -> int:
        waiting = update(audit_failures).where(audit_failures.c.user_id == user_id).values(origin=None)
        await self._connection.execute(waiting)
        theirs = select(audit_entries.c.id).where(audit_entries.c.user_id == user_id)
        return (await self._connection.execute(delete(audit_details).where(audit_details.c.entry_id.in_(theirs)))).rowcount

    async def _newest_seal(self) -> Seal | None:
        newest = select(audit_seals).order_by(audit_seals.c.ordinal.desc()).limit(1)
        row = (await self._connection.execute(newest)).one_or_none()
        return _seal(row) if row else None

    async def _safe_position(self) -> int:
        """The oldest transaction that was still under way in what this work sees."""
        if self._by_xid:
            safe = text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
        else:
            safe = text("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit_entries'), 0) + 1")
        return int((await self._connection.execute(safe)).scalar_one())

    async def _now(self) -> Any:
        return (await self._connection.execute(select(self._time.now()))).scalar_one()

    async def _run(self, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[Recorded]:
        order = (audit_entries.c.xid, audit_entries.c.id) if self._by_xid else (audit_entries.c.id,)
        found = _selected(self._connection.dialect.name).where(*conditions).order_by(*order).limit(limit)
        return [recorded_from_row(row) for row in await self._connection.execute(found)]

    def _from(self, position: int) -> ColumnElement[bool]:
        if self._by_xid:
            # There are none below zero, and of a negative number the database makes a great one.
            return audit_entries.c.xid >= cast(cast(literal(str(max(position, 0))), Text), Xid8())
        return audit_entries.c.id >= position

    def _within(self, era: int, until_id: int | None, since: int, upto: int) -> Sequence[ColumnElement[bool]]:
        """The same for the query and for what is removed."""
        last = _BEYOND if until_id is None else until_id
        return [and_(audit_entries.c.id > era, audit_entries.c.id <= last), self._from(since), ~self._from(upto)]


def finding(dialect: str, wanted: Wanted, *, limit: int) -> Select[Any]:
    columns = audit_entries.c
    conditions = []
    if wanted.user_id is not None:
        conditions.append(columns.user_id == wanted.user_id)
    if wanted.action is not None:
        conditions.append(columns.action == wanted.action.value)
    if wanted.outcome is not None:
        conditions.append(columns.outcome == wanted.outcome.value)
    if wanted.since is not None:
        conditions.append(columns.at >= wanted.since)
    if wanted.before is not None:
        conditions.append(columns.id < wanted.before)
    return _selected(dialect).where(*conditions).order_by(columns.id.desc()).limit(limit)


def _selected(dialect: str) -> Select[Any]:
    position: ColumnElement[Any] = audit_entries.c.id
    columns: list[ColumnElement[Any]] = [*audit_entries.c]
    if dialect == "postgresql":
        # What may only insert can insert what no Python has: it is read as the nearest that there is, and never in vain.
        nearest = func.least(audit_entries.c.xid, cast(literal(str(_MOST)), Xid8()))
        position = cast(cast(nearest, Text), BigInteger)
        at = func.least(func.greatest(audit_entries.c.at, _EARLIEST), _LATEST, type_=UtcDateTime)
        columns = [at.label("at") if column is audit_entries.c.at else column for column in columns]
    joined = audit_entries.outerjoin(audit_details, audit_details.c.entry_id == audit_entries.c.id)
    details = (audit_details.c.salt, audit_details.c.detail)
    return select(position.label("position"), *columns, *details).select_from(joined)


def recorded_from_row(row: Any) -> Recorded:
    entry = Entry(
        id=row.id,
        position=row.position,
        at=row.at,
        action=_CODES.get(row.action, row.action),
        outcome=_CODES.get(row.outcome, row.outcome),
        by=_CODES.get(row.agent, row.agent),
        client=row.client,
        user_id=UserId(row.user_id) if row.user_id else None,
        session_id=SessionId(row.session_id) if row.session_id else None,
        target=row.target,
        times=row.times,
        detail_digest=row.detail_digest,
    )
    return Recorded(entry, None if row.salt is None else Detail(row.salt, row.detail))


def _pending(row: Any) -> PendingFailure:
    origin = Detail(b"", row.origin).origin if row.origin else NOWHERE
    failure = Failure(action=Action(row.action), user_id=UserId(row.user_id) if row.user_id else None, origin=origin)
    return PendingFailure(id=row.id, at=row.at, failure=failure, entered=row.entered)


def _seal(row: Any) -> Seal:
    return Seal(**row._mapping)


def _checkpoint(row: Any) -> Checkpoint:
    found = dict(row._mapping)
    pruned_at, mac = found.pop("pruned_at"), found.pop("mac")
    return Checkpoint(anchor=Anchor(**found), pruned_at=pruned_at, mac=mac)
