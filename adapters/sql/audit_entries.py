"""Writing entries of the audit trail: on their own, or hanging on a statement that changes sessions."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, final

from sqlalchemy import CTE, ColumnElement, Row, Select, case, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engines import StoreTime
from adapters.sql.hot import HotStatement, HotStatements, given
from adapters.sql.schema import UtcDateTime, audit_details, audit_entries, audit_failures
from domain.audit import Act, Detail
from domain.audit_failures import Failure
from domain.origin import Origin

_SALT_BYTES = 16


@final
@dataclass(frozen=True, slots=True)
class Entering:
    """For each row that a statement returns an entry: of the act under the row's `outcome`, if there is one.

    The acts differ in action, outcome and agent only. What they leave open of user and session is the row's.
    """

    acts: Mapping[str, Act]
    time: StoreTime
    detail: Any = None  # of all of them, where what is given to each run of a statement stands in its place

    def hanging_on(self, changed: CTE) -> Sequence[CTE]:
        """PostgreSQL: as parts of the same statement."""
        act = next(iter(self.acts.values()))

        def by_outcome(attribute: str) -> ColumnElement[Any]:
            return case({outcome: str(getattr(one, attribute)) for outcome, one in self.acts.items()}, value=changed.c.outcome)

        detail = self.detail or detail_of(act.origin)
        values = _values(act, detail, self.time) | {name: by_outcome(name) for name in ("action", "outcome")}
        values["agent"] = by_outcome("by")
        if act.user_id is None:
            values["user_id"] = changed.c.user_id
        if act.session_id is None:
            values["session_id"] = changed.c.id
        return _parts(select(*values.values()).where(changed.c.outcome.in_(list(self.acts))), list(values), detail)

    async def after(self, connection: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
        """SQLite: in the same transaction."""
        for row in rows:
            if act := self.acts.get(row.outcome):
                await enter(connection, act, self.time, user_id=row.user_id, session_id=row.id)


async def enter(connection: AsyncConnection, act: Act, time: StoreTime, **of_row: Any) -> None:
    detail = detail_of(act.origin)
    values = _values(act, detail, time)
    values |= {name: literal(given, audit_entries.c[name].type) for name, given in of_row.items() if not getattr(act, name)}
    entered = (await connection.execute(insert(audit_entries).values(values).returning(audit_entries.c.id))).scalar_one()
    if detail:
        await connection.execute(insert(audit_details).values(entry_id=entered, salt=detail.salt, detail=detail.text))


async def enter_at_once(connection: AsyncConnection, hot: HotStatements, act: Act, time: StoreTime) -> None:
    """PostgreSQL: the entry and its detail as one statement, put together once."""
    detail = detail_of(act.origin)
    told = {
        "at": act.at,
        "action": act.action.value,
        "outcome": act.outcome.value,
        "agent": act.by.value,
        "client": act.client,
        "user_id": act.user_id,
        "session_id": act.session_id,
        "target": act.target,
        "times": act.times,
    }

    def make() -> HotStatement:
        columns = audit_entries.c
        values: dict[str, ColumnElement[Any]] = {name: literal(given(name), columns[name].type) for name in told}
        values["at"] = func.coalesce(values["at"], time.now())
        of_it = SimpleNamespace(**{part: given(part) for part in ("salt", "text", "digest")}) if detail else None
        values["detail_digest"] = literal(of_it.digest if of_it else None, columns.detail_digest.type)
        entry, *rest = _parts(select(*values.values()), list(values), of_it)
        return select(entry.c.id).add_cte(*rest)

    of_detail = {"salt": detail.salt, "text": detail.text, "digest": detail.digest} if detail else {}
    name = f"an entry {'with' if detail else 'without'} a detail"
    await hot.fetch_within(connection, name, make, told | of_detail)


def noting(failure: Failure, time: StoreTime) -> Any:
    """The statement by which a failure waits for its entry: the same for every account, and for none."""
    detail = Detail.of(failure.origin, salt=b"")
    return insert(audit_failures).values(
        at=time.now(),
        action=failure.action.value,
        user_id=failure.user_id,
        origin=detail.text if detail else None,
    )


def detail_of(origin: Origin) -> Detail | None:
    return Detail.of(origin, salt=secrets.token_bytes(_SALT_BYTES))


def _parts(source: Select[Any], names: list[str], detail: Any) -> Sequence[CTE]:
    entry = insert(audit_entries).from_select(names, source, include_defaults=False).returning(audit_entries.c.id).cte("entry")
    if detail is None:
        return [entry]
    columns = audit_details.c
    given = select(entry.c.id, literal(detail.salt, columns.salt.type), literal(detail.text, columns.detail.type))
    return [entry, insert(audit_details).from_select(["entry_id", "salt", "detail"], given).cte("detail")]


def _values(act: Act, detail: Any, time: StoreTime) -> dict[str, ColumnElement[Any]]:
    columns = audit_entries.c
    return {
        "at": literal(act.at, UtcDateTime) if act.at else time.now(),
        "action": literal(act.action.value),
        "outcome": literal(act.outcome.value),
        "agent": literal(act.by.value),
        "client": literal(act.client, columns.client.type),
        "user_id": literal(act.user_id, columns.user_id.type),
        "session_id": literal(act.session_id, columns.session_id.type),
        "target": literal(act.target, columns.target.type),
        "times": literal(act.times),
        "detail_digest": literal(detail.digest if detail else None, columns.detail_digest.type),
    }
