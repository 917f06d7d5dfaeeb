from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.upkeep.measure_hashing import MeasureHashing
from domain.hashing_cost import AIM, HashingCost

FLOOR = HashingCost()
MS = timedelta(milliseconds=1)


class Machine:
    """Takes so long for the floor, and for the rest in proportion."""

    def __init__(self, floor: timedelta) -> None:
        self._floor = floor
        self.busy = timedelta()

    def measure(self, cost: HashingCost) -> timedelta:
        took = self._floor * (cost.work / FLOOR.work)
        self.busy += took
        return took


@pytest.mark.parametrize("cost", [FLOOR, HashingCost(memory=47104, time=1), HashingCost(memory=65536, time=3)])
async def test_what_a_log_in_can_well_spend_is_left_as_it_is(cost: HashingCost) -> None:
    measured = await MeasureHashing(hashing_times=Machine(25 * MS), hashing_cost=cost)()

    assert (measured.cost, measured.better) == (cost, None)


@pytest.mark.parametrize(
    ("floor", "cost", "better"),
    [
        (25 * MS, HashingCost(memory=64, time=1), HashingCost(memory=38912, time=2)),
        (5 * MS, FLOOR, HashingCost(memory=194560, time=2)),
        (1 * MS, FLOOR, HashingCost(memory=262144, time=7)),
        (25 * MS, HashingCost(memory=262144, time=16), HashingCost(memory=38912, time=2)),
    ],
)
async def test_for_what_is_too_cheap_or_too_dear_here_another_cost_is_tried(
    floor: timedelta, cost: HashingCost, better: HashingCost
) -> None:
    measured = await MeasureHashing(hashing_times=Machine(floor), hashing_cost=cost)()

    assert measured.better == better
    assert measured.better_took is not None
    assert abs(measured.better_took - AIM) < AIM / 5


async def test_a_slow_machine_is_not_told_to_go_below_the_floor() -> None:
    measured = await MeasureHashing(hashing_times=Machine(300 * MS), hashing_cost=FLOOR)()

    assert measured.better is None


@given(
    floor=st.integers(1_000, 300_000),
    memory=st.integers(8, 262144),
    time=st.integers(1, 16),
)
async def test_whatever_is_set_it_is_measured_within_a_second(floor: int, memory: int, time: int) -> None:
    machine = Machine(timedelta(microseconds=floor))

    measured = await MeasureHashing(hashing_times=machine, hashing_cost=HashingCost(memory=memory, time=time))()

    assert machine.busy < timedelta(seconds=1.2)
    better = measured.better or FLOOR
    assert better.memory >= FLOOR.memory
    assert better.time >= FLOOR.time
