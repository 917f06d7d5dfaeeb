"""What a process remembers of the requests that limits refused."""

from collections import Counter
from datetime import timedelta
from ipaddress import ip_address
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.trips import MOST, MOST_OF_AN_ACCOUNT, GatheredTrips
from domain.origin import NOWHERE, Origin
from domain.user import UserId
from tests.examples import a_user
from tests.fakes import FakeClock

USER = a_user().id
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def trips(clock: FakeClock) -> GatheredTrips:
    return GatheredTrips(clock)


def at(address: str, token: str = "") -> Origin:
    return Origin(address=ip_address(address), request_id=address, device_token=token)


def enter(trips: GatheredTrips, most: int = 1000) -> list[tuple[str | None, int, str | None]]:
    entered = [(act.target, act.times, act.origin.request_id) for act in trips.due(most=most)]
    trips.settle()
    return entered


def test_of_many_refusals_alike_the_first_is_due_at_once_and_the_others_when_the_minute_is_over(
    trips: GatheredTrips, clock: FakeClock
) -> None:
    trips.note("log_in", user_id=USER, origin=at("203.0.113.7"))
    first = enter(trips)
    for number in range(500):
        trips.note("log_in", user_id=USER, origin=at(f"203.0.113.{number % 250}"))
    meanwhile = enter(trips)
    clock.advance(MINUTE)
    after = enter(trips)
    trips.note("log_in", user_id=USER, origin=at("203.0.113.9"))
    again = enter(trips)

    assert first == [("log_in", 1, "203.0.113.7")]
    assert meanwhile == []
    assert after == [("log_in", 500, "203.0.113.7")]
    assert again == [("log_in", 1, "203.0.113.9")]


def test_other_limits_accounts_and_prefixes_are_apart(trips: GatheredTrips) -> None:
    trips.note("log_in", user_id=USER, origin=at("203.0.113.7"))
    trips.note("account", user_id=USER, origin=at("203.0.113.7"))
    trips.note("log_in", user_id=None, origin=at("203.0.113.7"))
    trips.note("log_in", user_id=USER, origin=at("198.51.100.7"))

    assert [times for _, times, _ in enter(trips)] == [1, 1, 1, 1]


def test_what_was_due_and_not_settled_is_due_again_with_what_came_since(trips: GatheredTrips) -> None:
    trips.note("log_in", user_id=USER, origin=at("203.0.113.7"))
    due = trips.due(most=10)
    trips.note("log_in", user_id=USER, origin=at("203.0.113.8"))

    assert [act.times for act in due] == [1]
    assert enter(trips) == [("log_in", 2, "203.0.113.7")]


def test_the_last_time_the_rest_is_due_before_its_minute_is_over(trips: GatheredTrips) -> None:
    for number in range(3):
        trips.note("log_in", user_id=USER, origin=at("203.0.113.7"))
        trips.note("log_in", user_id=None, origin=at("203.0.113.7"))
        if not number:
            enter(trips)

    last = [act.times for act in trips.due(most=10, last=True)]
    trips.settle()

    assert last == [2, 2]
    assert trips.due(most=10, last=True) == []


def test_no_token_is_kept(trips: GatheredTrips) -> None:
    trips.note("account", user_id=USER, origin=at("203.0.113.7", token="prd_secret"))

    assert [act.origin.device_token for act in trips.due(most=10)] == [""]


def test_of_a_guesser_from_very_many_networks_the_first_hundred_are_told_and_the_others_as_one_of_that_account(
    trips: GatheredTrips, clock: FakeClock
) -> None:
    for number in range(10_000):
        trips.note("account", user_id=USER, origin=at(f"10.{number >> 8}.{number % 256}.1"))
    at_once = trips.due(most=2 * MOST)
    trips.settle()
    clock.advance(MINUTE)

    assert len(at_once) == MOST_OF_AN_ACCOUNT + 1
    assert {act.user_id for act in at_once} == {USER}
    assert (at_once[-1].times, at_once[-1].origin) == (10_000 - MOST_OF_AN_ACCOUNT, NOWHERE)
    assert trips.due(most=2 * MOST) == []


def test_however_many_accounts_are_refused_from_wherever_what_is_entered_in_a_minute_is_bounded(
    trips: GatheredTrips, clock: FakeClock
) -> None:
    entered = 0
    for second in range(61):
        for number in range(200):
            there = at(f"10.{second}.{number}.1")
            trips.note("account", user_id=UserId(UUID(int=200 * second + number)), origin=there)
        entered += len(enter(trips, most=500))
        clock.advance(SECOND)

    assert MOST < entered <= 2 * MOST + 2


def test_where_there_is_no_room_nothing_grows_and_nothing_is_lost(trips: GatheredTrips) -> None:
    users = [UserId(UUID(int=number)) for number in range(MOST + 5)]
    for user in users:
        trips.note("log_in", user_id=user, origin=at("10.0.0.1"))

    entered = enter(trips, most=2 * MOST)

    assert len(entered) == MOST + 1
    assert entered[-1] == ("log_in", 5, NOWHERE.request_id)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("note"), st.sampled_from(["log_in", "account"]), st.integers(1, 3)),
            st.tuples(st.just("enter"), st.just(""), st.integers(1, 3)),
            st.tuples(st.just("fail"), st.just(""), st.integers(1, 3)),
            st.tuples(st.just("wait"), st.just(""), st.integers(1, 90)),
        ),
        max_size=60,
    )
)
def test_whatever_happens_each_refusal_is_entered_once(steps: list[tuple[str, str, int]]) -> None:
    clock = FakeClock()
    trips = GatheredTrips(clock)
    noted: Counter[str | None] = Counter()
    entered: Counter[str | None] = Counter()
    for what, limit, number in steps:
        if what == "note":
            trips.note(limit, user_id=USER, origin=at(f"203.0.{number}.1"))
            noted[limit] += 1
        elif what == "enter":
            for target, times, _ in enter(trips, most=number):
                entered[target] += times
        elif what == "fail":
            trips.due(most=number)
        else:
            clock.advance(number * SECOND)
    for _ in range(2):
        clock.advance(MINUTE)
        for target, times, _ in enter(trips):
            entered[target] += times

    assert entered == noted
    assert enter(trips) == []
