from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.audit import Act, Action, Agent, Outcome
from domain.audit_failures import Failure, Gathered, PendingFailure, gather
from domain.origin import Origin
from domain.user import UserId

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
USER = UserId(UUID(int=2))


def _pending(
    id: int, *, after: float = 0, user_id: UserId | None = USER, address: str = "203.0.113.7", entered: bool = False
) -> PendingFailure:
    origin = Origin(address=ip_address(address))
    failure = Failure(action=Action.LOGIN, user_id=user_id, origin=origin)
    return PendingFailure(id=id, at=NOON + timedelta(seconds=after), failure=failure, entered=entered)


def test_the_first_failure_of_a_minute_is_entered_at_once_and_the_others_wait() -> None:
    gathered = gather([_pending(1), _pending(2, after=1)], now=NOON + timedelta(seconds=2))

    assert [(act.times, act.at) for act in gathered.acts] == [(1, NOON)]
    assert (gathered.entered, gathered.over) == ([1], [])


def test_when_the_minute_is_over_the_others_are_one_entry() -> None:
    waiting = [_pending(1, entered=True), *(_pending(number, after=number) for number in range(2, 6))]

    gathered = gather(waiting, now=NOON + timedelta(seconds=60))

    [act] = gathered.acts
    assert (act.times, act.user_id, act.action, act.outcome, act.by) == (4, USER, Action.LOGIN, Outcome.REFUSED, Agent.UNKNOWN)
    assert (gathered.entered, gathered.over) == ([], [1, 2, 3, 4, 5])


def test_nothing_more_is_entered_while_the_minute_goes_on_or_where_there_was_one_alone() -> None:
    waiting = [_pending(1, entered=True), _pending(2, after=1)]

    assert gather(waiting, now=NOON + timedelta(seconds=59)) == Gathered(acts=[], entered=[], over=[])
    assert gather(waiting[:1], now=NOON + timedelta(seconds=60)) == Gathered(acts=[], entered=[], over=[1])


def test_accounts_prefixes_and_minutes_are_told_apart_and_addresses_of_a_prefix_are_not() -> None:
    waiting = [
        _pending(1),
        _pending(2, address="203.0.113.99"),
        _pending(3, address="198.51.100.1"),
        _pending(4, user_id=None),
        _pending(5, after=61),
    ]

    assert sorted(gather(waiting, now=NOON + timedelta(seconds=70)).entered) == [5]
    assert sorted(act.times for act in gather(waiting, now=NOON + timedelta(seconds=70)).acts) == [1, 1, 1, 2]


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from([USER, None]), st.integers(0, 255)), max_size=40))
def test_every_failure_is_counted_once_and_each_group_has_two_entries_at_most(
    attempts: list[tuple[float, UserId | None, int]],
) -> None:
    waiting: list[PendingFailure] = []
    acts: list[Act] = []
    for second in range(0, 301, 7):
        arrived = [
            _pending(number, after=after, user_id=user_id, address=f"203.0.{part % 3}.{part}")
            for number, (after, user_id, part) in enumerate(attempts)
            if second - 7 < after <= second
        ]
        gathered = gather([*waiting, *arrived], now=NOON + timedelta(seconds=second))
        acts += gathered.acts
        waiting = [
            PendingFailure(id=one.id, at=one.at, failure=one.failure, entered=one.entered or one.id in gathered.entered)
            for one in [*waiting, *arrived]
            if one.id not in gathered.over
        ]

    groups = {(user_id, part % 3, int(after // 60)) for after, user_id, part in attempts}
    assert waiting == []
    assert sum(act.times for act in acts) == len(attempts)
    assert len(acts) <= 2 * len(groups)
