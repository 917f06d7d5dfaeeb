"""The statements by which a refresh token is spent."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, null, or_, true, update
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sql.engines import StoreTime
from adapters.sql.hot import given
from adapters.sql.schema import UtcDateTime, sessions, users
from adapters.sql.sessions import is_live
from adapters.sql.signing_keys import RING_GENERATION
from domain.session import STRAYS_OF_A_SHADOW, EndReason, Lifetimes

# Not now(), which is when a transaction began; and asked again for a row that has changed meanwhile.
IN_TIME = func.clock_timestamp() <= literal(given("until"), UtcDateTime)


def advancing(
    *,
    session_id: Any,
    secret_digest: Any,
    counter: Any,
    network: Any,
    digest: Any,
    made_by: Any,
    time: StoreTime,
    lifetimes: Lifetimes,
) -> ReturningUpdate[Any]:
    """What `rotating` does with the newest token, as nearly every one is, and to no other: without its cases to weigh.

    Its parts are values, or stand for those of each run, or are columns of a table of such.
    """
    newest = _as(sessions.c.counter, counter)
    return (
        _of_secret(session_id, secret_digest, time, lifetimes)
        .where(sessions.c.counter == newest)
        .values(
            outcome="advanced",
            counter=newest + 1,
            rotated_at=time.now(),
            access_until=time.ahead(lifetimes.access),
            network=_as(sessions.c.network, network),
            made_by=_as(sessions.c.made_by, made_by),
            rotated_from=_as(sessions.c.rotated_from, digest),
            strayed=false(),
            strays=case((sessions.c.strayed, sessions.c.strays), else_=0),
        )
    )


def rotating(
    *,
    session_id: Any,
    secret_digest: Any,
    counter: Any,
    window: Any,
    network: Any,
    digests: Sequence[Any],
    made_by: Any,
    time: StoreTime,
    lifetimes: Lifetimes,
) -> ReturningUpdate[Any]:
    """Decides and stores what was decided, under the row's `outcome`. Its parts are values, or stand for those of each run."""
    stored, token = sessions.c.counter, literal(counter, sessions.c.counter.type)
    maker = literal(made_by, sessions.c.made_by.type)
    steps = token >= stored
    repeats = and_(token == stored - 1, sessions.c.rotated_at > time.ago(window))
    spent = and_(token < stored, ~repeats)
    # The first repeat from elsewhere counts, once for each rotation.
    elsewhere = and_(
        repeats,
        ~sessions.c.strayed,
        sessions.c.rotated_from.is_not(None),
        sessions.c.rotated_from.not_in(digests),
    )
    shadowed = and_(elsewhere, sessions.c.strays >= STRAYS_OF_A_SHADOW - 1)
    ends = or_(spent, shadowed)
    return _of_secret(session_id, secret_digest, time, lifetimes).values(
        outcome=case(
            (token == stored, "advanced"),
            (token > stored, "ahead"),
            (shadowed, "shadowed"),
            (repeats, "repeated"),
            else_="reused",
        ),
        counter=case((steps, token + 1), else_=stored),
        rotated_at=case((steps, time.now()), else_=sessions.c.rotated_at),
        access_until=case((steps, time.ahead(lifetimes.access)), else_=sessions.c.access_until),
        network=case((steps, literal(network, sessions.c.network.type)), else_=sessions.c.network),
        made_by=case(
            (steps, maker),
            (and_(repeats, sessions.c.made_by.is_distinct_from(maker)), null()),
            else_=sessions.c.made_by,
        ),
        rotated_from=case((steps, literal(digests[0], sessions.c.rotated_from.type)), else_=sessions.c.rotated_from),
        strayed=case((steps, false()), (elsewhere, true()), else_=sessions.c.strayed),
        strays=case((and_(steps, ~sessions.c.strayed), 0), (elsewhere, sessions.c.strays + 1), else_=sessions.c.strays),
        ended_at=case((ends, time.now()), else_=null()),
        end_reason=case((spent, EndReason.REFRESH_REUSE.value), (shadowed, EndReason.SHADOWED.value), else_=null()),
    )


def _as(stored: ColumnElement[Any], value: Any) -> ColumnElement[Any]:
    return value if isinstance(value, ColumnElement) else literal(value, stored.type)


def _of_secret(session_id: Any, secret_digest: Any, time: StoreTime, lifetimes: Lifetimes) -> ReturningUpdate[Any]:
    return (
        update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.secret_digest == secret_digest,
            users.c.id == sessions.c.user_id,
            is_live(time, lifetimes),
        )
        .returning(*sessions.c, RING_GENERATION)
    )
