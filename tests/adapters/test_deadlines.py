from datetime import UTC, datetime, timedelta

from adapters.sql.deadlines import Deadlines

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Watch:
    def __init__(self) -> None:
        self.time = 1000.0
        self.deadlines = Deadlines(lambda: self.time)

    def in_seconds(self, seconds: float) -> datetime:
        return self.deadlines.at(self.time + seconds)


def test_while_the_database_has_told_nothing_there_is_no_deadline() -> None:
    assert Watch().in_seconds(3) > NOON + timedelta(days=365 * 1000)


def test_a_deadline_is_in_the_time_that_the_database_told() -> None:
    watch = Watch()
    watch.deadlines.learn(NOON)
    watch.time += 60

    assert watch.in_seconds(3) == NOON + timedelta(seconds=63)


def test_what_the_database_told_last_counts() -> None:
    watch = Watch()
    watch.deadlines.learn(NOON)
    watch.deadlines.learn(NOON - timedelta(hours=1))

    assert watch.in_seconds(0) == NOON - timedelta(hours=1)


def test_a_slow_answer_makes_a_deadline_early_and_never_late() -> None:
    watch = Watch()
    told, true_time = NOON, 1000.0
    watch.time += 2.0
    watch.deadlines.learn(told)

    assert watch.in_seconds(0) == NOON
    assert watch.in_seconds(0) < told + timedelta(seconds=watch.time - true_time)
