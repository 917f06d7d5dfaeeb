from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.sql.outages import Outages

WINDOW = 30.0


class Watch:
    def __init__(self) -> None:
        self.time = 1000.0
        self.outages = Outages(lambda: self.time)
        self.outages.succeeded()

    def away(self, seconds: float) -> None:
        began = self.time
        self.time += 0.5
        self.outages.failed(since=began)
        self.time = began + seconds
        self.outages.succeeded()

    def stretched(self) -> float:
        return self.outages.stretched(timedelta(seconds=WINDOW)).total_seconds()


def test_a_window_is_what_it_is_while_nothing_fails() -> None:
    watch = Watch()
    watch.time += 500

    assert watch.stretched() == WINDOW


def test_a_window_stands_still_while_storage_is_away() -> None:
    watch = Watch()
    watch.outages.failed(since=watch.time)
    watch.time += 600

    assert watch.stretched() == WINDOW + 600


def test_a_window_goes_on_where_it_stood_when_storage_is_back() -> None:
    watch = Watch()
    watch.away(60)
    watch.time += WINDOW - 1

    assert watch.stretched() == WINDOW + 60


def test_an_outage_is_forgotten_when_the_window_has_passed_since() -> None:
    watch = Watch()
    watch.away(60)
    watch.time += WINDOW

    assert watch.stretched() == WINDOW


def test_of_several_outages_those_count_that_lie_within_the_window() -> None:
    watch = Watch()
    watch.away(1000)
    watch.time += 25
    watch.away(60)
    watch.time += 10

    assert watch.stretched() == WINDOW + 60


def test_one_failure_among_successes_is_no_outage_to_speak_of() -> None:
    watch = Watch()
    began = watch.time
    watch.time += 3
    watch.outages.succeeded()
    watch.outages.failed(since=began)
    watch.outages.succeeded()

    assert watch.stretched() == WINDOW


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0, 100)), max_size=10))
def test_what_is_left_of_the_window_is_the_time_that_storage_was_there(outages: list[tuple[float, float]]) -> None:
    watch = Watch()
    there: list[tuple[float, float]] = [(watch.time, watch.time)]
    for away, after in outages:
        watch.away(away)
        there.append((watch.time, watch.time + after))
        watch.time += after

    reach = watch.time - watch.stretched()

    open_for = sum(max(0.0, until - max(since, reach)) for since, until in there)
    assert open_for <= WINDOW + 1e-6 or reach < 1000
