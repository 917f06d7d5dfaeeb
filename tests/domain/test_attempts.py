"""How many guesses an account takes, under a clock that does not have to wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attempts import FREE, HELD_FOR, LONGEST_WAIT, MOST, Admission, Attempts, TooManyFailures, wait_after

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def guesses_until(end: datetime) -> list[datetime]:
    """When a guesser who never rests has guesses evaluated: as soon as one is let through, from whatever address."""
    attempts, now, evaluated = Attempts(), NOON, []
    while now < end:
        attempts, admission = attempts.reserve(now)
        if admission is Admission.CLOSED:
            break
        if admission is Admission.RESERVED:
            attempts = attempts.fail(now)
            evaluated.append(now)
        else:
            now += attempts.retry_after(now)
    return evaluated


@pytest.mark.parametrize(("guesses", "hours"), [(5, 0.0), (10, 0.3), (20, 9), (100, 89)])
def test_ac07_so_many_guesses_take_so_many_hours(guesses: int, hours: float) -> None:
    took = guesses_until(NOON + 365 * DAY)[guesses - 1] - NOON

    assert round(took / timedelta(hours=1), 1 if hours < 1 else 0) == hours


def test_ac07_no_account_takes_more_than_a_hundred_wrong_guesses_in_a_row_however_long() -> None:
    assert len(guesses_until(NOON + 3650 * DAY)) == MOST == 100


def test_an_account_is_free_again_after_a_success() -> None:
    attempts = Attempts()
    for _ in range(FREE):
        attempts = attempts.reserve(NOON)[0].fail(NOON)
    later = NOON + wait_after(FREE)
    attempts, admission = attempts.reserve(later)

    attempts = attempts.succeed()

    assert admission is Admission.RESERVED
    assert [attempts.reserve(later)[1], attempts.failures, attempts.reserved] == [Admission.RESERVED, 0, 0]


def test_ac08_attempts_in_flight_count() -> None:
    attempts, admissions = Attempts(), []
    for _ in range(50):
        attempts, admission = attempts.reserve(NOON)
        admissions.append(admission)

    assert admissions == [Admission.RESERVED] * FREE + [Admission.FULL] * 45


def test_after_a_wait_one_attempt_is_let_through_at_a_time() -> None:
    attempts = Attempts(failures=7, free_at=NOON)

    attempts, first = attempts.reserve(NOON)
    _, second = attempts.reserve(NOON)

    assert (first, second) == (Admission.RESERVED, Admission.FULL)


def test_a_place_that_nobody_settles_is_a_failure() -> None:
    attempts = Attempts(failures=3)
    for _ in range(2):
        attempts, _ = attempts.reserve(NOON)

    attempts, admission = attempts.reserve(NOON + HELD_FOR)

    assert (attempts.failures, attempts.reserved, admission) == (5, 0, Admission.EARLY)
    assert attempts.retry_after(NOON + HELD_FOR) == wait_after(5)


def test_an_attempt_that_was_not_evaluated_costs_nothing() -> None:
    attempts, _ = Attempts(failures=4).reserve(NOON)

    assert attempts.give_back().failures == 4
    assert attempts.give_back().reserve(NOON)[1] is Admission.RESERVED


@given(st.lists(st.tuples(st.sampled_from(["reserve", "fail", "give_back", "crash"]), st.integers(0, 7200)), max_size=200))
def test_ac07_ac08_whatever_happens_no_more_than_a_hundred_are_evaluated(acts: list[tuple[str, int]]) -> None:
    attempts, now, in_flight, evaluated = Attempts(), NOON, 0, 0
    for act, seconds in acts:
        now += timedelta(seconds=seconds) if act == "reserve" else timedelta()
        if act == "reserve":
            in_flight = 0 if attempts.reserved_until and now >= attempts.reserved_until else in_flight
            attempts, admission = attempts.reserve(now)
            in_flight += admission is Admission.RESERVED
            evaluated += admission is Admission.RESERVED
        elif in_flight and act != "crash":
            attempts = attempts.fail(now) if act == "fail" else attempts.give_back()
            in_flight -= 1
            evaluated -= act == "give_back"
        assert attempts.reserved == in_flight <= FREE
        assert attempts.failures + attempts.reserved == evaluated <= MOST


@given(st.integers(0, 10_000))
def test_waits_never_become_shorter_nor_longer_than_an_hour(failures: int) -> None:
    assert timedelta() <= wait_after(failures) <= wait_after(failures + 1) <= LONGEST_WAIT


def test_who_mistypes_five_times_is_told_what_to_do() -> None:
    detail = TooManyFailures(wait_after(5)).detail

    assert "try again in 30 seconds" in detail
    assert "Nothing is lost" in detail
