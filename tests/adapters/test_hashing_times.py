from datetime import timedelta

import pytest

from adapters.security.hashing_times import Argon2Times
from domain.hashing_cost import HashingCost


@pytest.fixture(scope="module")
def times() -> Argon2Times:
    return Argon2Times()


def test_a_hash_of_more_work_is_measured_to_take_longer(times: Argon2Times) -> None:
    assert times.measure(HashingCost(memory=64, time=1)) * 10 < times.measure(HashingCost())


def test_copying_goes_on_beside_hashing_on_every_core_no_faster_than_alone(times: Argon2Times) -> None:
    alone, beside = times.copy(), times.measure_on_every_core(HashingCost())

    assert timedelta(milliseconds=1) < beside.took < timedelta(seconds=2)
    assert 0 < beside.copied < alone * 1.5  # the machine is shared: what it does between the two measurements counts too
