from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.history import Act, Broken, Lag, Operation, violations

GRACE = 30.0


class Recorder:
    """Acts of one client, a second apart, each a hundredth of a second long."""

    def __init__(self) -> None:
        self.now = 0.0
        self.acts: list[Act] = []

    def act(self, operation: Operation, token: str = "", status: int | None = 200, **more: Any) -> None:
        self.now += 1
        self.acts.append(
            Act(
                **{
                    "client": 1,
                    "session": "s",
                    "operation": operation,
                    "token": token,
                    "status": status,
                    "sent": self.now,
                    "received": self.now + 0.01,
                    "retry_after": status == 503,
                    **more,
                }
            )
        )

    def log_in(self) -> None:
        self.act(Operation.LOG_IN, successor="t0")

    def refresh(self, step: int, **more: Any) -> None:
        answered = more.get("status", 200) == 200
        self.act(Operation.REFRESH, f"t{step}", **{"successor": f"t{step + 1}" if answered else "", **more})


def broken(acts: Sequence[Act], *, ending: str = "", lags: Sequence[Lag] = ()) -> set[Broken]:
    return {found.promise for found in violations(acts, endings={"s": ending} if ending else {}, grace=GRACE, lags=lags)}


@pytest.fixture
def client() -> Recorder:
    """Logged in, and refreshed twice: t2 is the newest."""
    recorder = Recorder()
    recorder.log_in()
    recorder.refresh(0)
    recorder.refresh(1)
    return recorder


def test_a_session_that_went_through_lost_answers_and_refusals_for_now_breaks_nothing(client: Recorder) -> None:
    client.refresh(2, status=None)
    client.refresh(2, status=503)
    client.refresh(2)
    client.refresh(2)  # another tab
    client.act(Operation.ME)
    client.refresh(3, healed=True)

    assert broken(client.acts) == set()


def test_a_session_that_was_logged_out_may_be_refused_from_when_that_was_sent(client: Recorder) -> None:
    client.act(Operation.LOG_OUT, status=None)
    client.refresh(2, status=401)

    assert broken(client.acts, ending="logout") == set()


def test_a_session_whose_log_out_was_not_acknowledged_may_go_on(client: Recorder) -> None:
    client.act(Operation.LOG_OUT, status=503)
    client.refresh(2)

    assert broken(client.acts) == set()


def test_a_log_out_that_a_standby_had_not_received_may_be_undone_when_it_takes_over(client: Recorder) -> None:
    client.act(Operation.LOG_OUT)
    client.now += 1
    client.refresh(2)

    assert broken(client.acts, lags=[Lag(since=4, until=4.5)]) == set()


@pytest.mark.parametrize(("since", "until"), [(1, 3.9), (4.5, 4.9), (4, 10)], ids=["earlier", "later", "not yet over"])
def test_a_log_out_is_not_undone_by_a_lag_that_was_another_time(client: Recorder, since: float, until: float) -> None:
    client.act(Operation.LOG_OUT)
    client.now += 1
    client.refresh(2)

    assert broken(client.acts, lags=[Lag(since, until)]) == {Broken.ZOMBIE}


def test_a_log_in_that_a_standby_had_not_received_may_be_refused_once_it_has_taken_over(client: Recorder) -> None:
    client.refresh(2, status=401)

    assert broken(client.acts, lags=[Lag(since=1, until=3.5)]) == set()


@pytest.mark.parametrize(("since", "until"), [(1, 5), (1.5, 3.5)], ids=["not yet over", "later"])
def test_a_log_in_that_was_received_is_not_refused(client: Recorder, since: float, until: float) -> None:
    client.refresh(2, status=401)

    assert Broken.LIE in broken(client.acts, lags=[Lag(since, until)])


def test_two_successors_of_one_token_are_a_fork_also_where_a_refresh_was_undone(client: Recorder) -> None:
    client.refresh(1, successor="another")
    client.refresh(2, healed=True)

    assert Broken.FORKED in broken(client.acts, lags=[Lag(since=2.5, until=3.5)])


@pytest.mark.parametrize("status", [401, 503, None])
def test_a_session_that_does_not_go_on_is_lost(client: Recorder, status: int | None) -> None:
    client.refresh(2, status=status, healed=True)

    assert Broken.LOST in broken(client.acts)


def test_a_session_that_nobody_tried_after_healing_counts_as_lost(client: Recorder) -> None:
    assert broken(client.acts) == {Broken.LOST}


def test_the_parent_of_the_last_known_token_is_as_good_as_that_token(client: Recorder) -> None:
    client.refresh(1, healed=True)

    assert broken(client.acts) == set()


def test_a_token_two_back_that_works_is_a_zombie(client: Recorder) -> None:
    client.refresh(0)

    assert broken(client.acts) == {Broken.ZOMBIE}


def test_a_refresh_before_healing_does_not_save_a_session(client: Recorder) -> None:
    client.refresh(2)

    assert broken(client.acts) == {Broken.LOST}


def test_two_successors_of_one_token_are_a_fork(client: Recorder) -> None:
    client.refresh(2)
    client.refresh(2, successor="another")
    client.refresh(3, healed=True)

    assert Broken.FORKED in broken(client.acts)


@pytest.mark.parametrize("ending", ["refresh_reuse", "shadowed"])
def test_a_session_ended_as_stolen_that_was_not_is_a_false_alarm(client: Recorder, ending: str) -> None:
    client.refresh(2, healed=True)

    assert broken(client.acts, ending=ending) == {Broken.FALSE_ALARM}


def test_a_session_whose_client_replayed_two_back_may_be_ended_as_stolen(client: Recorder) -> None:
    client.refresh(0, status=401)
    client.refresh(2, status=401)

    assert broken(client.acts, ending="refresh_reuse") == set()


def test_a_session_whose_client_replayed_one_back_long_after_may_be_ended_as_stolen(client: Recorder) -> None:
    client.now += GRACE
    client.refresh(1, status=401)

    assert broken(client.acts, ending="refresh_reuse") == set()


def test_a_client_that_never_saw_the_successor_may_come_back_as_late_as_it_likes(client: Recorder) -> None:
    client.refresh(2, status=None)
    client.now += 2 * GRACE
    client.refresh(2, status=401)

    assert Broken.FALSE_ALARM in broken(client.acts, ending="refresh_reuse")


@pytest.mark.parametrize("operation", [Operation.REFRESH, Operation.ME])
def test_what_works_after_an_acknowledged_log_out_is_a_zombie(client: Recorder, operation: Operation) -> None:
    client.act(Operation.LOG_OUT, status=204)
    client.act(operation, "t2", successor="t3" if operation is Operation.REFRESH else "")

    assert broken(client.acts, ending="logout") == {Broken.ZOMBIE}


def test_what_was_under_way_when_the_log_out_was_acknowledged_is_no_zombie(client: Recorder) -> None:
    client.act(Operation.LOG_OUT, status=204)
    client.act(Operation.ME, sent=client.now, received=client.now + 0.5)

    assert broken(client.acts, ending="logout") == set()


def test_a_second_log_out_that_is_acknowledged_is_no_zombie(client: Recorder) -> None:
    client.act(Operation.LOG_OUT, status=204)
    client.act(Operation.LOG_OUT, status=204)

    assert broken(client.acts, ending="logout") == set()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 502])
@pytest.mark.parametrize("operation", list(Operation))
def test_a_no_that_is_not_true_is_a_lie(client: Recorder, operation: Operation, status: int) -> None:
    client.act(operation, "t2", status=status)
    client.refresh(2, healed=True)

    found = broken(client.acts)

    if operation is Operation.LOG_OUT and status == 401:
        assert found == set()  # the session may be over: the log-out itself may have come through before
    else:
        assert found == {Broken.LIE}


def test_a_refusal_for_now_that_does_not_say_until_when_is_a_lie(client: Recorder) -> None:
    client.refresh(2, status=503, retry_after=False)
    client.refresh(2, healed=True)

    assert broken(client.acts) == {Broken.LIE}


def test_a_log_in_that_is_refused_is_a_lie_for_the_password_is_right() -> None:
    client = Recorder()
    client.act(Operation.LOG_IN, status=503, session="")
    client.act(Operation.LOG_IN, status=401, session="")

    assert broken(client.acts) == {Broken.LIE}


def test_the_sessions_of_one_client_are_told_apart(client: Recorder) -> None:
    client.act(Operation.LOG_OUT, status=204)
    client.act(Operation.LOG_IN, session="other", successor="o0")
    client.act(Operation.REFRESH, "o0", session="other", successor="o1", healed=True)

    assert broken(client.acts, ending="logout") == set()


class Model:
    """A server that keeps its word, over a network that does not."""

    def __init__(self) -> None:
        self.newest = 0
        self.over = False

    def refresh(self, step: int) -> int | None:
        if self.over or step not in {self.newest, self.newest - 1}:
            return None
        self.newest = max(self.newest, step + 1)
        return step + 1


FATES = st.sampled_from(["answered", "lost on the way there", "lost on the way back", "away"])
STEPS = st.sampled_from([Operation.REFRESH] * 4 + [Operation.ME, Operation.LOG_OUT])


def _histories(draw: Any) -> list[Act]:
    model, client, known, ended = Model(), Recorder(), 0, False
    client.log_in()
    for operation, fate in draw(st.lists(st.tuples(STEPS, FATES), max_size=20)):
        arrives = fate in {"answered", "lost on the way back"}
        refused = model.over
        successor = model.refresh(known) if arrives and operation is Operation.REFRESH else None
        if arrives and operation is Operation.LOG_OUT:
            model.over, refused = True, False
        ended = ended or operation is Operation.LOG_OUT
        status = {"answered": 401 if refused else 200, "away": 503}.get(fate)
        answered = status == 200 and successor is not None
        token = "" if operation is Operation.ME else f"t{known}"
        client.act(operation, token, status, successor=f"t{successor}" if answered else "")
        known = successor if answered and successor is not None else known
    if not ended:
        successor = model.refresh(known)
        client.act(Operation.REFRESH, f"t{known}", healed=True, successor=f"t{successor}")
    return client.acts


histories = st.composite(_histories)()


@given(histories)
def test_no_history_of_a_server_that_keeps_its_word_breaks_anything(acts: list[Act]) -> None:
    assert broken(acts) == set()


@given(histories, st.data())
def test_whatever_a_liar_changes_in_such_a_history_is_found(acts: list[Act], data: st.DataObject) -> None:
    log_outs = [act for act in acts if act.operation is Operation.LOG_OUT]
    lie = data.draw(st.sampled_from([*Broken]))
    answered = [n for n, act in enumerate(acts) if act.operation is Operation.REFRESH and act.succeeded]
    ending = ""

    if lie is Broken.LIE:
        n = data.draw(st.integers(0, len(acts) - 1))
        acts[n] = replace(acts[n], status=500, successor="")
    elif lie is Broken.FALSE_ALARM:
        ending = "refresh_reuse"
    elif lie is Broken.FORKED and answered:
        again = acts[data.draw(st.sampled_from(answered))]
        acts.append(replace(again, successor="another", healed=False))
    elif lie is Broken.LOST and not log_outs:
        acts[-1] = replace(acts[-1], status=401, successor="")
    elif lie is Broken.ZOMBIE and any(act.succeeded for act in log_outs):
        later = acts[-1].received + 1
        acts.append(replace(acts[0], operation=Operation.ME, successor="", sent=later, received=later))
    else:
        return

    assert lie in broken(acts, ending=ending)
