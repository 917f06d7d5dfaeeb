from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity_model import Model, Run, typical

SERVER = {"me": 250.0, "refresh": 500.0, "log-in": 17_000.0}
DATABASE = {"me": 40.0, "refresh": 130.0, "log-in": 900.0}
LOAD = {"me": 30.0, "refresh": 30.0, "log-in": 60.0}
HASH = 15_000.0
MIXED = {"me": 0.7, "refresh": 0.2, "log-in": 0.1}


def seen(shares: Mapping[str, float], *, workers: int, cores: float, reached: float = 1.0) -> Run:
    """What a machine would do that is as the model says."""
    server, database, load = (sum(costs[name] * share for name, share in shares.items()) for costs in (SERVER, DATABASE, LOAD))
    loop = sum((SERVER[name] - (HASH if name == "log-in" else 0)) * share for name, share in shares.items())
    rate = min(cores * 1e6 / (server + database + load), min(workers, cores) * 1e6 / loop) * reached
    return Run(shares=shares, workers=workers, cores=cores, per_second=rate, server=server, database=database, load=load)


def fitted(reached: float) -> Model:
    runs = [seen({name: 1}, workers=workers, cores=2, reached=reached) for name in SERVER for workers in (1, 2)]
    return Model.fitted(runs, hash=HASH)


@given(reached=st.floats(0.3, 1), workers=st.integers(1, 8), cores=st.floats(0.5, 8))
def test_a_machine_that_is_as_the_model_says_is_predicted_exactly(reached: float, workers: int, cores: float) -> None:
    unseen = seen(MIXED, workers=workers, cores=cores, reached=reached)

    predicted = fitted(reached).predict(MIXED, workers, cores)

    assert predicted.per_second == pytest.approx(unseen.per_second)
    assert predicted.cost == pytest.approx(unseen.cost)
    assert predicted.error(unseen) == pytest.approx(0, abs=1e-9)


def test_one_process_of_light_requests_is_bound_by_its_event_loop_and_two_by_the_cores() -> None:
    model = fitted(1)

    one, two = (model.predict({"me": 1}, workers, 2) for workers in (1, 2))

    assert one.saturated == "the processes' event loops"
    assert one.per_second == pytest.approx(1e6 / 250)
    assert two.saturated == "the cores"


def test_a_load_that_comes_from_elsewhere_leaves_the_cores_to_the_service() -> None:
    model = fitted(1)

    here, elsewhere = (model.predict(MIXED, 4, 2, load_elsewhere=away) for away in (False, True))

    assert elsewhere.per_second > here.per_second


def test_cores_are_counted_for_the_service_and_for_the_database() -> None:
    assert fitted(0.5).cores_for({"me": 1000, "refresh": 100}) == pytest.approx((0.6, 0.106))


def test_processes_that_share_the_cores_cost_what_the_most_of_those_did_that_were_fitted() -> None:
    alone, sharing = seen({"me": 1}, workers=1, cores=2), replace(seen({"me": 1}, workers=2, cores=2), server=400.0)
    model = Model.fitted([alone, sharing], hash=HASH)

    assert [model.predict({"me": 1}, workers, 2).cost for workers in (1, 2, 4)] == [320, 470, 470]


def test_rounds_in_which_others_took_much_of_the_cores_do_not_count() -> None:
    rounds = [replace(seen({"me": 1}, workers=2, cores=cores), server=1 / cores) for cores in (0.2, 1.9, 0.5, 2.0, 1.8)]

    assert typical(rounds).cores == 1.9
    assert typical(rounds).server == 1 / 1.9
    assert typical(rounds[:1]).cores == 0.2
