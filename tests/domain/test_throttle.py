from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.throttle import InvalidLimit, Limit, Per, in_words, whole_seconds

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIMITS = st.builds(Limit, st.integers(1, 10_000), st.integers(1, 86_400).map(lambda seconds: timedelta(seconds=seconds)))
PAUSES = st.lists(st.integers(0, 10**10).map(lambda us: timedelta(microseconds=us)), max_size=60)
TIMES = PAUSES.map(lambda pauses: [NOON + sum(pauses[:passed], timedelta()) for passed in range(len(pauses) + 1)])


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("10/1h/address", Limit(10, timedelta(hours=1))),
        (" 600/1m/process ", Limit(600, timedelta(minutes=1), Per.PROCESS)),
        ("1/30s/address", Limit(1, timedelta(seconds=30))),
        ("5000000/7d/address", Limit(5_000_000, timedelta(days=7))),
    ],
)
def test_a_limit_is_written_as_how_many_in_how_long_for_whom(text: str, limit: Limit) -> None:
    assert Limit.parse(text) == limit
    assert str(limit) == text.strip()


@pytest.mark.parametrize(
    "text",
    "10 10/1h 0/1h/address -1/1h/address 10/0h/address 10/1w/address 10/h/address 10/1h/planet 1e3/1h/address 10/1h/address/"
    " 10/1.5h/address 10//address \u0661\u0660/1h/address 99999999/1h/address".split(),
)
def test_what_is_no_limit_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(InvalidLimit, match="10/1h/address"):
        Limit.parse(text)


@given(LIMITS)
def test_as_many_as_it_says_fit_at_once_and_not_one_more(limit: Limit) -> None:
    due_at = None
    for left in range(limit.count, 0, -1):
        verdict = limit.hit(due_at, NOON)
        due_at = verdict.due_at
        assert (verdict.allowed, verdict.retry_after if left > 1 else timedelta()) == (True, timedelta())

    refused = limit.hit(due_at, NOON)

    assert (refused.allowed, refused.remaining, refused.due_at) == (False, 0, due_at)
    assert timedelta() < refused.retry_after <= limit.share


@given(LIMITS, TIMES)
def test_in_no_span_are_there_more_than_the_burst_and_what_has_come_back(limit: Limit, times: list[datetime]) -> None:
    due_at, let_through = None, []
    for now in times:
        verdict = limit.hit(due_at, now)
        due_at = verdict.due_at
        if verdict.allowed:
            let_through.append(now)

    for first, began in enumerate(let_through):
        for last, ended in enumerate(let_through[first:], first):
            assert last - first + 1 <= limit.count + (ended - began) / limit.share


@given(LIMITS, TIMES)
def test_who_waits_as_long_as_it_is_told_is_let_through(limit: Limit, times: list[datetime]) -> None:
    due_at = None
    for now in times:
        verdict = limit.hit(due_at, now)
        due_at = verdict.due_at
        if not verdict.allowed:
            assert not limit.hit(due_at, now + verdict.retry_after - timedelta(microseconds=1)).allowed
            assert limit.hit(due_at, now + verdict.retry_after).allowed


@given(LIMITS, TIMES)
def test_what_remains_is_what_would_be_let_through_now(limit: Limit, times: list[datetime]) -> None:
    due_at, now = None, times[-1]
    for now in times:
        due_at = limit.hit(due_at, now).due_at
    remaining = limit.verdict(due_at or NOON, now, allowed=True).remaining

    for _ in range(min(remaining, 100)):
        verdict = limit.hit(due_at, now)
        due_at = verdict.due_at
        assert verdict.allowed
    if remaining <= 100:
        assert not limit.hit(due_at, now).allowed


def test_a_tightened_limit_lets_a_tenth_through_and_never_none() -> None:
    assert Limit(60, timedelta(minutes=10)).tightened == Limit(6, timedelta(minutes=10))
    assert Limit(3, timedelta(minutes=10)).tightened == Limit(1, timedelta(minutes=10))


@pytest.mark.parametrize(
    ("span", "words", "seconds"),
    [
        (timedelta(microseconds=1), "1 second", 1),
        (timedelta(seconds=30), "30 seconds", 30),
        (timedelta(seconds=29, microseconds=1), "30 seconds", 30),
        (timedelta(seconds=240), "4 minutes", 240),
        (timedelta(seconds=241), "5 minutes", 241),
        (timedelta(hours=1), "60 minutes", 3600),
        (timedelta(hours=3), "3 hours", 10800),
    ],
)
def test_a_wait_is_said_in_words_that_are_never_too_short(span: timedelta, words: str, seconds: int) -> None:
    assert (in_words(span), whole_seconds(span)) == (words, seconds)
