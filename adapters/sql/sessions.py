"""Sessions in SQL, within a unit of work."""

from typing import Any, final

from sqlalchemy import insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engines import StoreTime
from adapters.sql.schema import sessions, users
from domain.session import EndReason, Lifetimes, NewSession, Session, SessionId
from domain.user import UserId


@final
class SqlSessionRepository:
    def __init__(self, connection: AsyncConnection, time: StoreTime, lifetimes: Lifetimes) -> None:
        self._connection = connection
        self._time = time
        self._lifetimes = lifetimes

    async def open(self, session: NewSession) -> Session | None:
        # FOR SHARE waits for whoever is changing the user, and then looks again: without it a log-in that is in flight over
        # a change of password still opens. (SQLite has one writer.)
        values = {
            "id": literal(session.id, sessions.c.id.type),
            "user_id": users.c.id,
            "generation": users.c.generation,
            "counter": literal(0),
            "secret_digest": literal(session.secret_digest, sessions.c.secret_digest.type),
            "created_at": self._time.now(),
            "rotated_at": self._time.now(),
            "access_until": self._time.ahead(self._lifetimes.access),
        }
        unchanged = (
            select(*values.values())
            .where(
                users.c.id == session.user_id,
                users.c.generation == session.generation,
                users.c.disabled_at.is_(None),
            )
            .with_for_update(read=True)
        )
        opened = insert(sessions).from_select(list(values), unchanged).returning(*sessions.c)
        row = (await self._connection.execute(opened)).one_or_none()
        return session_from_row(row) if row else None

    async def get(self, id: SessionId) -> Session | None:
        row = (await self._connection.execute(select(sessions).where(sessions.c.id == id))).one_or_none()
        return session_from_row(row) if row else None

    async def end_all_of(self, user_id: UserId, *, reason: EndReason) -> int:
        ended = await self._connection.execute(
            update(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
            .values(ended_at=self._time.now(), end_reason=reason.value)
            .returning(sessions.c.id)
        )
        return len(ended.all())


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
    )
