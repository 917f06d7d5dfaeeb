"""The SQL store."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.sql.audit import SqlAuditRepository
from adapters.sql.clients import SqlClientRepository
from adapters.sql.deadlines import Deadlines
from adapters.sql.engines import LIMITS_OF_A_REQUEST, StoreTime
from adapters.sql.hot import HotStatements
from adapters.sql.live import SqlLiveStatements
from adapters.sql.migrate import is_ahead, newest_revision
from adapters.sql.reach import Reach
from adapters.sql.revocations import SqlRevocationRepository
from adapters.sql.sessions import SqlSessionRepository
from adapters.sql.signing_keys import SqlSigningKeyRepository
from adapters.sql.throttle import SqlThrottleState
from adapters.sql.users import SqlUserRepository
from application.ports.clock import Clock
from application.ports.unit_of_work import SchemaOutdated, Unbounded, UnderWayElsewhere, UnitOfWork
from domain.session import Lifetimes

_IN_FORCE = text("SELECT name, setting FROM pg_settings UNION ALL SELECT 'role', current_user")


@final
class SqlUnitOfWork:
    def __init__(self, connection: AsyncConnection, hot: HotStatements, time: StoreTime, lifetimes: Lifetimes) -> None:
        self.users = SqlUserRepository(connection, hot)
        self.sessions = SqlSessionRepository(connection, hot, time, lifetimes)
        self.clients = SqlClientRepository(connection)
        self.signing_keys = SqlSigningKeyRepository(connection, time)
        self.revocations = SqlRevocationRepository(connection, time)
        self.audit = SqlAuditRepository(connection, hot, time)
        self._connection = connection

    async def claim(self, act: str) -> None:
        if self._connection.dialect.name == "postgresql":
            # Let go of with the transaction, also when this process dies.
            claimed = select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"portunus/{act}", 0)))
            if not (await self._connection.execute(claimed)).scalar():
                raise UnderWayElsewhere

    async def commit(self) -> None:
        await self._connection.commit()


@final
class SqlStore:
    def __init__(self, engine: AsyncEngine, clock: Clock, lifetimes: Lifetimes) -> None:
        self._engine = engine
        self._reach = Reach(engine)
        self._time = StoreTime(engine, clock)
        self._lifetimes = lifetimes
        self._hot = HotStatements(engine, self._time)
        self.live = SqlLiveStatements(engine, self._reach, self._time, lifetimes, Deadlines())
        self.throttle = SqlThrottleState(engine, self._reach, self._time)

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._begin()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[UnitOfWork]:
        async with self._reach.translating(), self._engine.connect() as connection:
            yield SqlUnitOfWork(connection, self._hot, self._time, self._lifetimes)

    async def require_ready(self) -> None:
        async with self._reach.reading(), self._engine.connect() as connection:
            autocommitting = await connection.execution_options(isolation_level="AUTOCOMMIT")
            revision = (await autocommitting.execute(text("SELECT version_num FROM alembic_version"))).scalar()
        if revision != newest_revision() and not is_ahead(revision):
            raise SchemaOutdated

    async def unbounded(self) -> Unbounded | None:
        if self._engine.dialect.name != "postgresql":
            return None
        async with self._reach.reading(), self._engine.connect() as connection:
            found = {row.name: row.setting for row in await connection.execute(_IN_FORCE)}
        lacking = {name: most for name, most in LIMITS_OF_A_REQUEST.items() if not 0 < int(found[name]) <= int(most)}
        if found["synchronous_commit"] not in {"on", "remote_apply"}:
            lacking["synchronous_commit"] = "on"
        return Unbounded(role=found["role"], settings=lacking) if lacking else None

    async def close(self) -> None:
        await self._engine.dispose()
