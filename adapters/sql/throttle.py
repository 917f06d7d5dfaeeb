"""What was counted, in SQL: one upsert for each hit, so that several machines share one truth.

Written out, since it is run at every log-in: to put such statements together takes longer than to run them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.engines import StoreTime
from adapters.sql.hot import HotStatements
from adapters.sql.reach import Reach
from application.ports.throttle_state import DEVICE, UNKNOWN, Among, Hit, Reservation
from domain.attempts import (
    DEVICE_KEPT_FOR,
    FREE,
    HELD_FOR,
    KEPT_FOR,
    LONGEST_WAIT,
    MOST,
    MOST_DEVICES,
    OF_AN_ACCOUNT,
    Admission,
    Rule,
    wait_after,
)
from domain.throttle import Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _in_us(span: timedelta) -> int:
    return span // _MICROSECOND


def _wait_after(failures: str) -> str:
    short = (number for number in range(FREE, MOST) if wait_after(number) < LONGEST_WAIT)
    waits = " ".join(f"WHEN {failures} = {number} THEN {_in_us(wait_after(number))}" for number in short)
    return f"CASE WHEN {failures} < {FREE} THEN 0 {waits} ELSE {_in_us(LONGEST_WAIT)} END"


_NOW = {"postgresql": "CAST(extract(epoch FROM now()) * 1000000 AS bigint)", "sqlite": "CAST(:now AS bigint)"}
# Of a hit, when it has its turn at the row: who began earlier and waited would find what is used up after him not due yet.
_AT_ITS_TURN = {"postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)", "sqlite": _NOW["sqlite"]}
# On PostgreSQL, do not wait for the disk at this commit: what a crash may lose here is a count.
_LIGHTLY = {"postgresql": "set_config('synchronous_commit', 'off', true)", "sqlite": "''"}

# domain.throttle.Limit.hit
_HIT = """
INSERT INTO throttle (key, due_at, allowed) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET (due_at, allowed) = (
  SELECT CASE WHEN k.began + k.share <= k.now + k.depth THEN k.began + k.share ELSE k.began END,
    k.began + k.share <= k.now + k.depth
  FROM (
    SELECT turn.now, CASE WHEN throttle.due_at > turn.now THEN throttle.due_at ELSE turn.now END AS began,
      {shares} AS share, {depths} AS depth
    FROM (SELECT {at_its_turn} AS now) turn
  ) k
)
RETURNING key, due_at, allowed, {at_its_turn} AS now, {lightly} AS lightly
"""
# domain.attempts.Attempts.reserve. The row of an account that was never tried is made with its first place taken.
_RESERVE = f"""
INSERT INTO attempts (account, failures, reserved, reserved_until, free_at, admission)
SELECT CAST(:account AS varchar), 0, 1, {{now}} + {_in_us(HELD_FOR)}, 0, '{Admission.RESERVED}' WHERE {{unless}}
ON CONFLICT (account) DO UPDATE SET (failures, reserved, reserved_until, free_at, admission) = (
  SELECT d.failures, CASE d.admission WHEN '{Admission.RESERVED}' THEN d.reserved + 1 ELSE d.reserved END,
    CASE d.admission WHEN '{Admission.RESERVED}' THEN {{now}} + {_in_us(HELD_FOR)} ELSE attempts.reserved_until END,
    d.free_at, d.admission
  FROM (
    SELECT k.failures, k.reserved, k.free_at, CASE
      WHEN k.failures >= {{most}} THEN '{Admission.CLOSED}'
      WHEN k.failures + k.reserved < {{free}} THEN '{Admission.RESERVED}'
      WHEN k.failures < {{free}} THEN '{Admission.FULL}'
      WHEN k.free_at > {{now}} THEN '{Admission.EARLY}'
      WHEN k.reserved > 0 THEN '{Admission.FULL}'
      ELSE '{Admission.RESERVED}' END AS admission
    FROM (
      SELECT l.failures, CASE WHEN l.lost THEN 0 ELSE attempts.reserved END AS reserved,
        CASE WHEN l.lost THEN attempts.reserved_until + {_wait_after("l.failures")} ELSE attempts.free_at END AS free_at
      FROM (
        SELECT attempts.reserved > 0 AND attempts.reserved_until <= {{now}} AS lost, CASE
          WHEN attempts.reserved > 0 AND attempts.reserved_until <= {{now}} THEN attempts.failures + attempts.reserved
          ELSE attempts.failures END AS failures
      ) l
    ) k
  ) d
)
RETURNING admission, free_at, {{now}} AS now, {{lightly}} AS lightly
"""
_HIT_AND_RESERVE = """
WITH hit AS ({hit}), placed AS ({reserve})
SELECT hit.key, hit.due_at, hit.allowed, hit.now, placed.admission, placed.free_at FROM hit LEFT JOIN placed ON true
"""
_SETTLE = """
UPDATE attempts SET reserved = CASE WHEN reserved > 0 THEN reserved - 1 ELSE 0 END {changes}
WHERE account = :account RETURNING {lightly} AS lightly
"""
_SUCCEED = """
UPDATE attempts SET failures = 0, free_at = 0,
  reserved = CASE WHEN account = :account AND reserved > 0 THEN reserved - 1 ELSE reserved END
WHERE account IN (:account, :forgiven) RETURNING {lightly} AS lightly
"""
_SUCCEED_ANEW = """
UPDATE attempts SET failures = 0, free_at = 0, reserved = CASE WHEN reserved > 0 THEN reserved - 1 ELSE 0 END,
  devices = devices + 1
WHERE account = :account RETURNING devices, {lightly} AS lightly
"""
# domain.attempts.Attempts.has_left_behind
_NOT_LEFT_BEHIND = f"""
(SELECT coalesce(max(devices), 0) FROM attempts WHERE account = :among) < CAST(:number AS integer) + {MOST_DEVICES}
"""
_FORGET_HITS = "DELETE FROM throttle WHERE key IN (SELECT key FROM throttle WHERE due_at <= {now} LIMIT :most)"
# As the index `ix_attempts_reserved_until` says which rows it has, else every purge would read them all.
_FORGET_ATTEMPTS = f"""
DELETE FROM attempts WHERE account IN (
  SELECT account FROM attempts
  WHERE (account LIKE '{UNKNOWN}%' OR account LIKE '{DEVICE}%') AND reserved_until <= {{now}} - {_in_us(KEPT_FOR)}
    AND (account LIKE '{UNKNOWN}%' OR reserved_until <= {{now}} - {_in_us(DEVICE_KEPT_FOR)})
  LIMIT :most
)
"""


@final
class SqlThrottleState:
    """A contract holds it, the memory adapter and `domain.attempts` to the same outcomes."""

    def __init__(self, engine: AsyncEngine, reach: Reach, time: StoreTime) -> None:
        self._transactions = engine
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._reach = reach
        self._time = time
        self._hot = HotStatements(engine, time)
        self._dialect = engine.dialect.name

    async def hit(self, hits: Sequence[Hit]) -> Sequence[Verdict]:
        return _verdicts(hits, await self._run(_hitting(self._dialect, len(hits)), _parameters(hits)))

    async def reserve(
        self, account: str, *, hits: Sequence[Hit], rule: Rule = OF_AN_ACCOUNT, among: Among | None = None
    ) -> Reservation:
        if among:
            device = {"account": account, "among": among.account, "number": among.number}
            found = await self._run(_reserving_among(self._dialect, rule), device)
            return _reservation([], found[0]) if found else Reservation([])
        reserving = _reserving(self._dialect, rule)
        if not hits:
            return _reservation([], (await self._run(reserving, {"account": account}))[0])
        if self._dialect == "postgresql":
            both = _hitting_and_reserving(self._dialect, len(hits), rule)
            rows = await self._run(both, {"account": account, **_parameters(hits)})
            return _reservation(_verdicts(hits, rows), rows[0])
        now = self._now()
        async with self._reach.translating(), self._transactions.begin() as connection:
            hitting = _hitting(self._dialect, len(hits))
            verdicts = _verdicts(hits, (await connection.execute(hitting, _parameters(hits) | now)).all())
            if not all(verdict.allowed for verdict in verdicts):
                return Reservation(verdicts)
            return _reservation(verdicts, (await connection.execute(reserving, {"account": account} | now)).one())

    async def fail(self, account: str) -> None:
        await self._run(_failing(self._dialect), {"account": account})

    async def succeed(self, account: str, *, forgiving: str | None = None) -> None:
        await self._run(_succeeding(self._dialect), {"account": account, "forgiven": forgiving or account})

    async def succeed_anew(self, account: str) -> int:
        found = await self._run(_succeeding_anew(self._dialect), {"account": account})
        return found[0].devices if found else 0

    async def give_back(self, account: str) -> None:
        await self._run(_settling(self._dialect), {"account": account})

    async def forget_idle(self, *, limit: int) -> int:
        forgotten = [
            await self._run(text(f"{statement} RETURNING 1"), {"most": limit}) for statement in FORGETTING[self._dialect]
        ]
        return sum(map(len, forgotten))

    def _now(self) -> dict[str, int]:
        """SQLite has no clock that a test could set; PostgreSQL's is its own."""
        return {} if self._dialect == "postgresql" else {"now": (self._time.by_clock() - _EPOCH) // _MICROSECOND}

    async def _run(self, statement: TextClause, parameters: Mapping[str, Any]) -> Sequence[Any]:
        async with self._reach.translating():
            if self._dialect == "postgresql":
                return await self._hot.fetch(statement.text, lambda: statement, parameters, replay=False)
            async with self._engine.connect() as connection:
                return (await connection.execute(statement, {**parameters, **self._now()})).all()


@cache
def _hitting(dialect: str, hits: int) -> TextClause:
    return text(_hit_text(dialect, hits))


@cache
def _reserving(dialect: str, rule: Rule) -> TextClause:
    return text(_filled(_RESERVE, dialect, unless="true", free=rule.free, most=rule.most))


@cache
def _reserving_among(dialect: str, rule: Rule) -> TextClause:
    return text(_filled(_RESERVE, dialect, unless=_NOT_LEFT_BEHIND, free=rule.free, most=rule.most))


@cache
def _hitting_and_reserving(dialect: str, hits: int, rule: Rule) -> TextClause:
    unless = "NOT EXISTS (SELECT 1 FROM hit WHERE NOT allowed)"
    reserve = _filled(_RESERVE, dialect, unless=unless, free=rule.free, most=rule.most)
    return text(_HIT_AND_RESERVE.format(hit=_hit_text(dialect, hits), reserve=reserve))


@cache
def _failing(dialect: str) -> TextClause:
    return _settling(dialect, f", failures = failures + 1, free_at = {_NOW[dialect]} + {_wait_after('(failures + 1)')}")


@cache
def _settling(dialect: str, changes: str = "") -> TextClause:
    return text(_filled(_SETTLE, dialect, changes=changes))


@cache
def _succeeding(dialect: str) -> TextClause:
    return text(_filled(_SUCCEED, dialect))


@cache
def _succeeding_anew(dialect: str) -> TextClause:
    return text(_filled(_SUCCEED_ANEW, dialect))


def _filled(statement: str, dialect: str, **parts: str | int) -> str:
    return statement.format(now=_NOW[dialect], at_its_turn=_AT_ITS_TURN[dialect], lightly=_LIGHTLY[dialect], **parts)


def _hit_text(dialect: str, hits: int) -> str:
    numbers = range(hits)
    rows = ", ".join(f"(:key{n}, {_AT_ITS_TURN[dialect]} + CAST(:share{n} AS bigint), true)" for n in numbers)
    shares = " ".join(f"WHEN throttle.key = :key{n} THEN CAST(:share{n} AS bigint)" for n in numbers)
    depths = " ".join(f"WHEN throttle.key = :key{n} THEN CAST(:depth{n} AS bigint)" for n in numbers)
    return _filled(_HIT, dialect, rows=rows, shares=f"CASE {shares} END", depths=f"CASE {depths} END")


def _parameters(hits: Sequence[Hit]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for number, hit in enumerate(hits):
        named[f"key{number}"] = hit.key
        named[f"share{number}"] = _in_us(hit.limit.share)
        named[f"depth{number}"] = _in_us(hit.limit.depth)
    return named


def _verdicts(hits: Sequence[Hit], rows: Sequence[Any]) -> list[Verdict]:
    """The database returns rows in an order of its own."""
    found = {row.key: row for row in rows}
    return [
        hit.limit.verdict(_time(found[hit.key].due_at), _time(found[hit.key].now), allowed=bool(found[hit.key].allowed))
        for hit in hits
    ]


def _reservation(verdicts: Sequence[Verdict], row: Any) -> Reservation:
    admission = Admission(row.admission) if row.admission else None
    early = admission is Admission.EARLY
    return Reservation(verdicts, admission, _time(row.free_at) - _time(row.now) if early else timedelta())


def _time(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


FORGETTING = {dialect: tuple(_filled(each, dialect) for each in (_FORGET_HITS, _FORGET_ATTEMPTS)) for dialect in _NOW}
