"""What clients saw, and whether it can be: a pure check of a history of requests against what Portunus promises.

A session's refresh tokens form a chain, from its log-in on. From what the clients did alone follows when a session *may* be
over (a log-out was sent, or a token was presented that had been spent long ago) and when it *must* be (the log-out was
acknowledged). Everything between the two is allowed, and nothing else.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

FALSE_ENDINGS = frozenset({"refresh_reuse", "shadowed"})


class Operation(StrEnum):
    LOG_IN = "log_in"
    REFRESH = "refresh"
    ME = "me"
    LOG_OUT = "log_out"


class Broken(StrEnum):
    """The promises."""

    LOST = "lost"  # a session that nobody ended does not go on
    FORKED = "forked"  # a token has two successors
    FALSE_ALARM = "false alarm"  # a session was ended as stolen, and its client never replayed more than one back
    ZOMBIE = "zombie"  # what was acknowledged as revoked works
    LIE = "lie"  # an answer that is neither what was asked for, nor "later", nor a true "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One request and what came of it. Times are seconds of one clock; tokens are fingerprints."""

    client: int
    session: str  # empty where a log-in opened none
    operation: Operation
    token: str = ""  # the refresh token that was presented
    sent: float
    received: float  # or given up
    status: int | None  # None: no answer
    successor: str = ""
    retry_after: bool = False  # whether the answer says when to come again
    process: int = 0
    healed: bool = False  # sent when the last fault was over

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def means_later(self) -> bool:
        """Dropped, or refused for now: a client tries again with what it has."""
        return self.status is None or self.status == 503


@dataclass(frozen=True, slots=True)
class Violation:
    promise: Broken
    session: str
    what: str


@dataclass(frozen=True, slots=True)
class Lag:
    """A standby received nothing from `since` on, and took over at `until`: what was committed between the two may be undone.

    So a log-in acknowledged meanwhile may have opened nothing, and a log-out ended nothing; both show from `until` on. A
    refresh that is undone shows nowhere: its token is as good as ever, and has the same successor.
    """

    since: float
    until: float


def violations(
    history: Iterable[Act],
    *,
    endings: Mapping[str, str],
    grace: float,
    statuses: frozenset[int] = frozenset(),
    lags: Sequence[Lag] = (),
) -> list[Violation]:
    """Every promise that was broken. `endings` has the reasons of the sessions that ended, as stored; `grace` is the window.

    `statuses` are allowed beside success, 503 with Retry-After, and a true 401. `lags` are what may be undone.
    """
    sessions: dict[str, list[Act]] = defaultdict(list)
    for act in sorted(history, key=lambda act: act.sent):
        sessions[act.session].append(act)
    found = [violation for act in sessions.pop("", []) for violation in _of_failed_log_in(act, statuses)]
    for session, acts in sessions.items():
        found += _of_session(session, acts, endings.get(session, ""), grace, statuses, lags)
    return found


def _of_failed_log_in(act: Act, statuses: frozenset[int]) -> Iterator[Violation]:
    if act.status == 401 or not _is_allowed(act, statuses):
        yield Violation(Broken.LIE, "", _described(act))


def _of_session(
    session: str, acts: Sequence[Act], ending: str, grace: float, statuses: frozenset[int], lags: Sequence[Lag]
) -> Iterator[Violation]:
    log_ins = [act for act in acts if act.operation is Operation.LOG_IN]
    log_outs = [act for act in acts if act.operation is Operation.LOG_OUT]
    known = _known(acts)
    overdrawn = min((act.sent for act in acts if known.is_spent(act, grace)), default=math.inf)
    undone = min((undone_from(act, lags) for act in log_ins), default=math.inf)
    may_be_over = min([overdrawn, undone, *(act.sent for act in log_outs)])
    revocations = [(act.received, undone_from(act, lags)) for act in log_outs if act.succeeded]

    for token, successors in _successors(acts).items():
        if len(successors) > 1:
            yield Violation(Broken.FORKED, session, f"{token} has the successors {sorted(successors)}")
    for act in acts:
        # What is sent before another server takes over may be answered after it.
        revoked = any(since < act.sent and act.received < until for since, until in revocations) or known.is_long_spent(act)
        if revoked and act.operation is not Operation.LOG_OUT and act.succeeded:
            yield Violation(Broken.ZOMBIE, session, _described(act))
        if (act.status == 401 and act.received < may_be_over) or not _is_allowed(act, statuses):
            yield Violation(Broken.LIE, session, _described(act))
    if ending in FALSE_ENDINGS and overdrawn == math.inf:
        yield Violation(Broken.FALSE_ALARM, session, f"ended for {ending}")
    if may_be_over == math.inf and not _goes_on(acts):
        yield Violation(Broken.LOST, session, f"of client {acts[0].client}: no refresh after healing succeeded")


def undone_from(act: Act, lags: Sequence[Lag]) -> float:
    """From when on it may be as if an act had not been: never, mostly."""
    return min((lag.until for lag in lags if lag.since <= act.received and act.sent <= lag.until), default=math.inf)


def _is_allowed(act: Act, statuses: frozenset[int]) -> bool:
    if act.status == 503:
        return act.retry_after
    return act.status is None or act.succeeded or act.status == 401 or act.status in statuses


def _successors(acts: Sequence[Act]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for act in acts:
        if act.operation is Operation.REFRESH and act.succeeded:
            found[act.token].add(act.successor)
    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """What a client knew of its chain: the place of each token, and when a token of each place first reached it.

    A token counts as spent when its client has its successors; that the store has gone further is not the client's fault.
    """

    place: Mapping[str, int]
    since: Mapping[int, float]

    def is_spent(self, act: Act, grace: float) -> bool:
        """Whether it may end the session: two back, or one back and later than `grace`."""
        return self._age(act, 2, act.received) > 0 or self._age(act, 1, act.received) > grace

    def is_long_spent(self, act: Act) -> bool:
        """Whether it must not work: two back when it was sent."""
        return self._age(act, 2, act.sent) > 0

    def _age(self, act: Act, steps: int, at: float) -> float:
        if act.operation is not Operation.REFRESH or act.token not in self.place:
            return -math.inf
        return at - self.since.get(self.place[act.token] + steps, math.inf)


def _known(acts: Sequence[Act]) -> _Known:
    place: dict[str, int] = {}
    since: dict[int, float] = {}
    for act in sorted(acts, key=lambda act: act.received):
        if act.succeeded and act.successor:
            step = place.get(act.token, -1) + 1 if act.operation is Operation.REFRESH else 0
            place.setdefault(act.successor, step)
            since.setdefault(step, act.received)
    return _Known(place, since)


def _goes_on(acts: Sequence[Act]) -> bool:
    """Whether the last token that the client was given, or the one before, was refreshed when all was well again."""
    in_order = sorted(acts, key=lambda act: act.received)
    given = [act.successor for act in in_order if act.succeeded and act.successor and not act.healed]
    latest = {*given[-1:]} | {act.token for act in acts if act.succeeded and act.successor in given[-1:] and act.token}
    return any(act.healed and act.succeeded and act.operation is Operation.REFRESH and act.token in latest for act in acts)


def _described(act: Act) -> str:
    later = "" if act.status != 503 or act.retry_after else " without Retry-After"
    return (
        f"{act.operation} of client {act.client} with {act.token or 'no token'}, sent at {act.sent:.3f}: "
        f"{act.status}{later} at {act.received:.3f}"
    )
