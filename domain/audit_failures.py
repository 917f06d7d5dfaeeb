"""Attempts that were refused: many alike become one entry, so that whoever guesses cannot flood the record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from domain.audit import Act, Action, Agent, Outcome
from domain.origin import Origin
from domain.user import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt that was refused, and changed nothing. Of an unknown name there is no user; what was typed is kept nowhere."""

    action: Action
    user_id: UserId | None = None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingFailure:
    """A failure as it waits for its entry."""

    id: int
    at: datetime
    failure: Failure
    entered: bool  # it has its entry, and waits for others like it


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What becomes of failures that waited: `acts` are to be recorded, `entered` to be marked so, `over` to be forgotten."""

    acts: Sequence[Act] = ()
    entered: Sequence[int] = field(default=())
    over: Sequence[int] = field(default=())


def gather(pending: Sequence[PendingFailure], *, now: datetime) -> Gathered:
    """Of each account, address prefix and minute the first failure gets an entry at once; the rest one together, when the
    minute is over."""
    acts: list[Act] = []
    entered: list[int] = []
    over: list[int] = []
    for _, group in groupby(sorted(pending, key=lambda one: (*_alike(one), one.id)), key=_alike):
        alike = list(group)
        fresh = [one for one in alike if not one.entered]
        if _minute(now) > _minute(alike[0].at):
            over += [one.id for one in alike]
            if fresh:
                acts.append(_act(fresh))
        elif len(fresh) == len(alike):
            entered.append(fresh[0].id)
            acts.append(_act(fresh[:1]))
    return Gathered(acts=acts, entered=entered, over=over)


def _act(alike: Sequence[PendingFailure]) -> Act:
    first = alike[0]
    return Act(
        action=first.failure.action,
        by=Agent.UNKNOWN,
        outcome=Outcome.REFUSED,
        user_id=first.failure.user_id,
        times=len(alike),
        at=first.at,
        origin=first.failure.origin,
    )


def _alike(one: PendingFailure) -> tuple[Any, ...]:
    failure = one.failure
    return failure.action, str(failure.user_id), failure.origin.network or "", _minute(one.at)


def _minute(at: datetime) -> datetime:
    return at - timedelta(seconds=at.second, microseconds=at.microsecond)
