"""By which indexes the hot statements find their rows, and how many they read for it: what PostgreSQL itself tells.

Each operation is done once, as a server does it. Before each of its statements the same one is explained, run and rolled back,
so often that the plan is the one of a connection that has run it again and again.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import asyncpg
from dependency_injector import providers
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.ids import Uuid7Ids
from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from adapters.sql.together import MOST
from application.accounts.register_user import RegisterUser
from application.keys.publish_revocations import PublishRevocations
from application.limits.admit_request import AdmitRequest
from application.ports.tokens import AccessTokens, RefreshTokens
from application.sessions.authenticate import Authenticate
from application.sessions.list_sessions import ListSessions
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from application.upkeep.purge_expired import PurgeExpired
from benchmarks.accounts import PASSWORD, Account, new_name
from domain.email import EmailAddress
from domain.origin import Origin
from domain.password import PlainPassword
from domain.throttle import Action
from domain.username import Username
from entrypoints.container.root import Portunus, use_cases_of

# Those with a row for each user, session or request. Others have a few rows, which are best read as they lie.
GROWING = frozenset({"users", "sessions", "revocations", "throttle", "attempts", "audit_entries", "audit_details"})
MOST_ASKED_AT_ONCE = MOST + 1  # the first, and all who share the next statement
_TIMES_UNTIL_SETTLED = 6  # from the sixth time on PostgreSQL may keep a plan for whatever values
_EXPLAINABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_SOMEWHERE = Origin(address=ip_address("203.0.113.7"))
_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPlan:
    """Of one statement of an `operation`. `does` tells it by its tables; `whole` are those that it reads from end to end.

    `rows` are those that it read to find the ones it wanted; the same one twice counts twice.
    """

    operation: str
    does: str
    indexes: tuple[str, ...]
    whole: tuple[str, ...]
    rows: int


async def query_plans(portunus: Portunus, url: str, account: Account, *, others: Sequence[Account]) -> Sequence[QueryPlan]:
    """Of every statement that looks for rows in tables that grow.

    Of `portunus` nothing has been used. Nor have the accounts' sessions: the one is over then, and the others are refreshed.
    """
    found: list[QueryPlan] = []
    async with _explaining(url) as (engine, told):
        store = SqlStore(engine, portunus.adapters.clock(), portunus.adapters.lifetimes())
        with portunus.adapters.store.override(providers.Object(store)):
            for operation, act in (await _acts(portunus, account, others)).items():
                told.clear()
                await act()
                found += filter(_looks_for_rows, (_of_told(operation, one) for one in told))
    return found


async def _acts(
    portunus: Portunus, account: Account, others: Sequence[Account]
) -> Mapping[str, Callable[[], Awaitable[object]]]:
    use, session = use_cases_of(portunus), account.session
    access: AccessTokens = portunus.adapters.access_tokens()
    refresh: RefreshTokens = portunus.adapters.refresh_tokens()
    password = PlainPassword.parse(PASSWORD)
    access_token = await access.issue(session, expires_at=session.access_until)

    async def refreshed(one: Account) -> None:
        token = refresh.seal(session_id=one.session.id, counter=one.session.counter, secret=one.secret)
        await use[RefreshAccess](refresh_token=token, origin=_SOMEWHERE)

    async def sign_up() -> None:
        name = new_name()
        await use[AdmitRequest](action=Action.SIGN_UP, origin=_SOMEWHERE)
        email = EmailAddress(f"{name}@example.com")
        await use[RegisterUser](username=Username(name), email=email, password=password, origin=_SOMEWHERE)

    async def feed() -> None:
        first = await use[PublishRevocations](after=None)
        await use[PublishRevocations](after=first.next)

    async def sessions() -> None:
        actor = await use[Authenticate](access_token=access_token)
        await use[ListSessions](actor=actor, limit=_PAGE)

    async def callers_at_once() -> None:
        live, ids = portunus.adapters.store().live, [session.id, *(Uuid7Ids().session() for _ in range(MOST))]
        await asyncio.gather(*(live.authenticate(session_id=each, user_id=session.user_id) for each in ids))

    async def refreshed_at_once() -> None:
        await asyncio.gather(*(refreshed(each) for each in others[:MOST_ASKED_AT_ONCE]))

    return {
        "GET /users/me, several at once": callers_at_once,
        "GET /users/me": lambda: use[Authenticate](access_token=access_token),
        "POST /refresh": lambda: refreshed(account),
        "POST /refresh, several at once": refreshed_at_once,
        "POST /token": lambda: use[Login](identifier=account.name, password=password, origin=_SOMEWHERE),
        "POST /signup": sign_up,
        "GET /users/me/sessions": sessions,
        "POST /logout": lambda: use[Logout](access_token=access_token, origin=_SOMEWHERE),
        "GET /.well-known/revocations": feed,
        "portunus purge": lambda: _to_its_end(use[PurgeExpired]()),
    }


async def _to_its_end(steps: AsyncGenerator[Any, None]) -> None:
    async for _ in steps:
        pass


@asynccontextmanager
async def _explaining(url: str) -> AsyncIterator[tuple[AsyncEngine, list[Mapping[str, Any]]]]:
    """An engine, and what its statements were explained as, one after the other."""
    told: list[Mapping[str, Any]] = []

    class Explaining(asyncpg.Connection):
        """The hottest statements are run by the driver itself."""

        async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:  # type: ignore[override]  # so it is called
            told.append(await _explained(self, query, arguments))
            return await super().fetch(query, *arguments)

    engine = open_engine(url, pool_size=1)

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect_so(_: object, __: object, ___: object, options: dict[str, Any]) -> None:
        options["connection_class"] = Explaining

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def explain(connection: Connection, _: object, statement: str, arguments: Sequence[object], *__: object) -> None:
        pooled: Any = connection.connection
        if statement.lstrip().startswith(_EXPLAINABLE):
            told.append(pooled.run_async(lambda driver: _explained(driver, statement, arguments)))

    try:
        yield engine, told
    finally:
        await engine.dispose()


async def _explained(driver: asyncpg.Connection, statement: str, arguments: Sequence[object]) -> Mapping[str, Any]:
    kinds = [kind.name for kind in (await driver.prepare(statement)).get_parameters()]
    places = (f"quote_nullable((${number}::{kind})::text)" for number, kind in enumerate(kinds, 1))
    given = await driver.fetchrow(f"SELECT {', '.join(places)}", *arguments) if kinds else ()
    of_kinds, of_given = (f"({', '.join(each)})" if kinds else "" for each in (kinds, given or ()))
    await driver.execute(f"PREPARE explained {of_kinds} AS {statement}")
    told: Any = None  # as SQLAlchemy has the driver read JSON
    for _ in range(_TIMES_UNTIL_SETTLED):
        act = driver.transaction()
        await act.start()
        told = await driver.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained{of_given}")
        await act.rollback()
    await driver.execute("DEALLOCATE explained")
    plan: Mapping[str, Any] = told[0]["Plan"]
    return plan


def _of_told(operation: str, told: Mapping[str, Any]) -> QueryPlan:
    nodes = list(_nodes(told))
    whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & GROWING
    return QueryPlan(
        operation=operation,
        does=_does(nodes),
        indexes=tuple(sorted({index for node in nodes for index in _indexes(node)})),
        whole=tuple(sorted(whole)),
        rows=round(sum(map(_rows, nodes))),
    )


def _looks_for_rows(plan: QueryPlan) -> bool:
    return bool(plan.indexes or plan.whole)


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _does(nodes: Sequence[Mapping[str, Any]]) -> str:
    """What it changes, in order; or what it reads, where it changes nothing."""
    changes = [f"{node['Operation'].lower()} {node['Relation Name']}" for node in nodes if node["Node Type"] == "ModifyTable"]
    reads = [node["Relation Name"] for node in nodes if node.get("Relation Name") in GROWING]
    return ", ".join(dict.fromkeys(changes)) or f"select {', '.join(dict.fromkeys(reads))}"


def _indexes(node: Mapping[str, Any]) -> list[str]:
    """What it scans; or where an insert looks for the row that is there already."""
    return [node["Index Name"]] if "Index Name" in node else node.get("Conflict Arbiter Indexes", [])


def _rows(node: Mapping[str, Any]) -> float:
    if node["Node Type"] == "ModifyTable":
        conflicting: float = node.get("Conflicting Tuples", 0)
        return conflicting
    if node.get("Relation Name") not in GROWING:
        return 0
    parts = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(node["Actual Loops"] * sum(node.get(part, 0) for part in parts))
