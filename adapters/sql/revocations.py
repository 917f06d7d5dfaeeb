"""Revocations in SQL: written by the transaction that revokes, and read so that none is missed.

On PostgreSQL transactions commit in another order than that in which they began. A reader's position therefore moves only to
the oldest transaction that was still under way, and what it has seen beyond that it sees again. Nor does it move beyond the
newest entry: after a crash the ids of transactions that left nothing durable behind are given again. SQLite has one writer.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, final
from uuid import UUID

from sqlalchemy import JSON, Interval, Row, Select, TextualSelect, bindparam, delete, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sql.audit_entries import Entering
from adapters.sql.engines import StoreTime
from adapters.sql.schema import UtcDateTime, revocations
from domain.revocation import LINGER, FeedPosition, RevocationPage
from domain.session import SessionId

_POSTGRESQL = """
WITH here AS MATERIALIZED (
  SELECT f.epoch, now() AS as_of, pg_is_in_recovery() AS demoted, pg_snapshot_xmin(pg_current_snapshot()) AS oldest,
    CASE WHEN pg_is_in_recovery() THEN 0
      ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint END AS timeline,
    coalesce((SELECT (xid::text::bigint + 1)::text::xid8 FROM revocations WHERE xid IS NOT NULL ORDER BY xid DESC LIMIT 1), '0')
      AS beyond_newest,
    CAST(CAST(:xid AS text) AS xid8) AS after_xid, CAST(:id AS bigint) AS after_id
  FROM revocation_feed f
), start AS MATERIALIZED (
  SELECT here.*, known,
    CASE WHEN known THEN after_xid ELSE '0' END AS from_xid, CASE WHEN known THEN after_id ELSE 0 END AS from_id
  FROM here, LATERAL (SELECT epoch = :epoch AND timeline = :timeline AND after_xid <= oldest AS known) k
), feed AS MATERIALIZED (
  SELECT start.*, greatest(from_xid, least(oldest, beyond_newest)) AS next FROM start
)
SELECT feed.epoch, feed.timeline, feed.next::text::bigint AS next_xid, 0 AS next_id, feed.as_of, feed.known, feed.demoted,
  told.*
FROM feed, LATERAL (
  SELECT array_agg(xid::text::bigint) AS xids, array_agg(id) AS ids, array_agg(session_id) AS session_ids,
    array_agg(kid) AS kids
  FROM (
    SELECT * FROM (
      (SELECT * FROM revocations
       WHERE (xid, id) > (from_xid, from_id) AND xid < next AND until - as_of > interval '0' ORDER BY xid, id LIMIT :most + 1)
      UNION ALL
      (SELECT * FROM revocations WHERE (xid, id) > (from_xid, from_id) AND xid >= next AND until - as_of > interval '0')
    ) r ORDER BY xid, id
  ) r
) told
"""
_SQLITE = """
WITH feed AS (
  SELECT s.*, CASE WHEN known THEN :id ELSE 0 END AS from_id
  FROM (
    SELECT f.epoch, 0 AS timeline, 0 AS next_xid, coalesce(q.seq, 0) AS next_id, :as_of AS as_of, 0 AS demoted,
      f.epoch = :epoch AND :timeline = 0 AND :xid = 0 AND :id <= coalesce(q.seq, 0) AS known
    FROM revocation_feed f LEFT JOIN sqlite_sequence q ON q.name = 'revocations'
  ) s
)
SELECT feed.*, told.* FROM feed, (
  SELECT json_group_array(0) AS xids, json_group_array(id) AS ids, json_group_array(session_id) AS session_ids,
    json_group_array(kid) AS kids
  FROM (
    SELECT r.* FROM feed, revocations r WHERE r.id > feed.from_id AND r.until > feed.as_of ORDER BY r.id LIMIT :most + 1
  )
) told
"""
_NOWHERE = FeedPosition(epoch="", timeline=0, xid=0, id=0)


@final
class SqlRevocationRepository:
    def __init__(self, connection: AsyncConnection, time: StoreTime) -> None:
        self._connection = connection
        self._time = time

    async def withdraw_key(self, kid: str, *, until: datetime) -> None:
        await self._connection.execute(insert(revocations).values(kid=kid, until=until + LINGER))

    async def remove_expired(self, *, limit: int) -> int:
        expired = select(revocations.c.id).where(revocations.c.until <= self._time.now()).limit(limit)
        return (await self._connection.execute(delete(revocations).where(revocations.c.id.in_(expired)))).rowcount


async def execute_ending(
    connection: AsyncConnection, change: ReturningUpdate[Any], time: StoreTime, entering: Entering | None = None
) -> Sequence[Row[Any]]:
    """Run a statement that may end sessions, tell of those that it ended, enter it, and give what it returns.

    It must return `sessions`' `id`, `user_id`, `access_until` and `ended_at`, and an `outcome`. On SQLite it needs a
    transaction.
    """
    if connection.dialect.name == "postgresql":
        told: Sequence[Row[Any]] = (await connection.execute(telling(change, time, entering))).all()
        return told
    rows: Sequence[Row[Any]] = (await connection.execute(change)).all()
    ended = [{"session_id": row.id, "until": row.access_until + LINGER} for row in rows if row.ended_at]
    if ended:
        await connection.execute(insert(revocations), ended)
    if entering:
        await entering.after(connection, rows)
    return rows


def telling(change: ReturningUpdate[Any], time: StoreTime, entering: Entering | None = None) -> Select[Any]:
    """PostgreSQL: the same, as one statement."""
    changed = change.cte("changed")
    until = changed.c.access_until + literal(LINGER, Interval)
    ended = select(changed.c.id, until).where(changed.c.ended_at.is_not(None), until > time.now())
    told = insert(revocations).from_select(["session_id", "until"], ended, include_defaults=False).cte("told")
    return select(changed).add_cte(told, *(entering.hanging_on(changed) if entering else ()))


def reading(dialect: str, after: FeedPosition | None, time: StoreTime, limit: int) -> TextualSelect:
    """One row, of lists: ten thousand rows would keep the process from everybody else for a tenth of a second."""
    after = after or _NOWHERE
    given = {"epoch": after.epoch, "timeline": after.timeline, "id": after.id, "most": limit}
    if dialect == "postgresql":
        return text(_POSTGRESQL).bindparams(xid=str(after.xid), **given).columns(as_of=UtcDateTime)
    read = text(_SQLITE).bindparams(bindparam("as_of", time.by_clock(), UtcDateTime), xid=after.xid, **given)
    return read.columns(as_of=UtcDateTime, xids=JSON, ids=JSON, session_ids=JSON, kids=JSON)


def page_of(row: Row[Any], limit: int) -> RevocationPage:
    """What is beyond `next`, and will be read again, comes on the last page; there is little of it."""
    until = FeedPosition(epoch=row.epoch, timeline=row.timeline, xid=row.next_xid, id=row.next_id)
    xids, ids, session_ids, kids = (each or () for each in (row.xids, row.ids, row.session_ids, row.kids))
    is_last = len(ids) <= limit or (xids[limit], ids[limit]) >= (until.xid, until.id + 1)
    if not is_last:
        until = replace(until, xid=xids[limit - 1], id=ids[limit - 1])
        session_ids, kids = session_ids[:limit], kids[:limit]
    return RevocationPage(
        as_of=row.as_of,
        until=until,
        reset=not row.known,
        is_last=is_last,
        sessions=tuple(SessionId(each if isinstance(each, UUID) else UUID(each)) for each in session_ids if each is not None),
        kids=tuple(kid for kid in kids if kid is not None),
    )
