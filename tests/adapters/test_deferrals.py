from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from adapters.ids import Uuid7Ids
from adapters.sql.deferrals import Deferrals
from application.ports.unit_of_work import StoreUnavailable
from domain.session import PresentedRefreshToken, SessionSecret

WINDOW = 30.0
TOKEN = PresentedRefreshToken(session_id=Uuid7Ids().session(), counter=7, secret=SessionSecret(b"\0" * 32))


class Watch:
    def __init__(self) -> None:
        self.time = 1000.0
        self.deferrals = Deferrals(lambda: self.time)

    def present(self, token: PresentedRefreshToken = TOKEN) -> float:
        with self.deferrals.of(token, timedelta(seconds=WINDOW)) as window:
            return window.total_seconds()

    def defer(self, token: PresentedRefreshToken = TOKEN, *, seconds: float = 1.0) -> None:
        with suppress(StoreUnavailable), self.deferrals.of(token, timedelta(seconds=WINDOW)):
            self.time += seconds
            raise StoreUnavailable


def test_a_window_is_what_it_is_for_a_token_that_was_never_told_to_come_later() -> None:
    watch = Watch()
    watch.present()
    watch.time += 10

    assert watch.present() == WINDOW


def test_a_window_stands_still_from_the_first_time_that_a_token_was_told_to_come_later() -> None:
    watch = Watch()
    for _ in range(4):
        watch.defer()
        watch.time += 19

    assert watch.present() == WINDOW + 80


def test_a_window_that_stood_still_stands_for_that_token_of_that_session_alone() -> None:
    watch = Watch()
    watch.defer(seconds=20)

    assert watch.present(replace(TOKEN, counter=6)) == WINDOW
    assert watch.present(replace(TOKEN, session_id=Uuid7Ids().session())) == WINDOW
    assert watch.present() == WINDOW + 20


def test_who_stays_away_for_longer_than_the_window_has_no_more_than_others() -> None:
    watch = Watch()
    watch.defer()
    watch.time += WINDOW + 1

    assert watch.present() == WINDOW


def test_no_more_tokens_are_remembered_than_there_is_room_for_and_the_oldest_go_first() -> None:
    watch = Watch()
    oldest, newest = replace(TOKEN, counter=0), replace(TOKEN, counter=10_000)
    for counter in range(10_001):
        watch.defer(replace(TOKEN, counter=counter), seconds=0.0)
    watch.time += 1

    assert watch.present(oldest) == WINDOW
    assert watch.present(newest) == WINDOW + 1
