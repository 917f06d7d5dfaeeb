"""The newest refresh tokens of several sessions, spent by one statement and one commit."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, final

from sqlalchemy import Values, column, literal, select, values
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sql.deadlines import Deadlines
from adapters.sql.engines import SECONDS_FOR_A_STATEMENT, StoreTime
from adapters.sql.hot import HotStatements, given, of_each_run
from adapters.sql.reach import SECONDS_IN_ALL, Reach
from adapters.sql.rotation import IN_TIME, advancing
from adapters.sql.schema import sessions
from adapters.sql.together import Together, room_for
from domain.session import Lifetimes, SessionId

_ASKED = {
    "session_id": sessions.c.id.type,
    "secret_digest": sessions.c.secret_digest.type,
    "counter": sessions.c.counter.type,
    "network": sessions.c.network.type,
    "made_by": sessions.c.made_by.type,
    "digest": sessions.c.rotated_from.type,
}


@final
class _Advance:
    """Another than any other, be the token the same: who comes second is not told that it was the newest."""

    __slots__ = ("session_id", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.session_id: SessionId = values["session_id"]
        self.values = values


_Advanced = tuple[float, Mapping[_Advance, Any]]  # when it was their turn, and rows


@final
class Advances:
    """Of PostgreSQL. A session that a rival holds is passed over, as it holds nobody else up: it is decided by itself."""

    def __init__(self, hot: HotStatements, reach: Reach, time: StoreTime, lifetimes: Lifetimes, deadlines: Deadlines) -> None:
        self._hot = hot
        self._reach = reach
        self._time = of_each_run(time)
        self._lifetimes = lifetimes
        self._deadlines = deadlines
        self._together: Together[_Advance, _Advanced] = Together(self._advance)

    async def advance(self, spending: Mapping[str, Any]) -> tuple[Any, timedelta]:
        """The session's row as it is now, or `None` if this was not seen to be its newest token; and how long it waited."""
        one, came = _Advance(spending), self._deadlines.now()
        began, advanced = await self._together.ask(one)
        return advanced.get(one), timedelta(seconds=began - came)

    async def _advance(self, asking: Sequence[_Advance]) -> _Advanced:
        """Of several that spend a token of one session the first; too late, it changes nothing."""
        first = {each.session_id: each for each in reversed(asking)}
        size = room_for(len(first))
        async with self._reach.translating() as wait:
            began = self._deadlines.now()
            until = self._deadlines.at(began + min(SECONDS_FOR_A_STATEMENT, SECONDS_IN_ALL - wait.silence))
            filled = [*first.values(), *[asking[0]] * (size - len(first))]
            of_each = {f"{name}{at}": value for at, each in enumerate(filled) for name, value in each.values.items()}
            rows = await self._hot.fetch(f"{size} advances", partial(self._of, size), {"until": until, **of_each})
        return began, {first[row.id]: row for row in rows}

    def _of(self, size: int) -> ReturningUpdate[Any]:
        asked = [{name: literal(given(f"{name}{at}"), kind) for name, kind in _ASKED.items()} for at in range(size)]
        if size == 1:
            return advancing(**asked[0], time=self._time, lifetimes=self._lifetimes).where(IN_TIME)
        table: Values = values(*(column(name, kind) for name, kind in _ASKED.items()), name="asked")
        rows = table.data([tuple(each.values()) for each in asked])
        free = select(sessions.c.id).where(sessions.c.id.in_([each["session_id"] for each in asked]))
        free_now = free.with_for_update(skip_locked=True).cte("free")
        change = advancing(**{name: rows.c[name] for name in _ASKED}, time=self._time, lifetimes=self._lifetimes)
        return change.where(IN_TIME, sessions.c.id.in_(select(free_now.c.id)))
