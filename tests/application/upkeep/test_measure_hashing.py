from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from application.ports.passwords import HashingBeside
from application.upkeep.calibrate_hashing import CalibrateHashing
from application.upkeep.measure_hashing import Measured, MeasureHashing
from domain.calibration import Aim
from domain.hashing_cost import HashingCost

FLOOR = HashingCost()
MS = timedelta(milliseconds=1)


class Machine:
    """Takes so long for the floor, and for the rest in proportion. Beside hashing it copies three quarters as fast."""

    cores = 4

    def __init__(self, floor: timedelta) -> None:
        self._floor = floor
        self.busy = timedelta()

    def measure(self, cost: HashingCost) -> timedelta:
        took = self._floor * (cost.work / FLOOR.work)
        self.busy += took
        return took

    def measure_on_every_core(self, cost: HashingCost) -> HashingBeside:
        return HashingBeside(took=self.measure(cost), copied=6e9)

    def copy(self) -> float:
        return 8e9


@pytest.mark.parametrize("cost", [FLOOR, HashingCost(memory=47104, time=1), HashingCost(memory=65536, time=3)])
async def test_what_is_set_is_timed(cost: HashingCost) -> None:
    measured = await MeasureHashing(hashing_times=Machine(25 * MS), hashing_cost=cost)()

    assert measured == Measured(took=25 * MS * (cost.work / FLOOR.work))


@pytest.mark.parametrize("cost", [HashingCost(memory=64, time=1), HashingCost(memory=262144, time=16)])
async def test_where_what_is_set_suits_no_machine_something_else_is_tried_that_does(cost: HashingCost) -> None:
    measured = await MeasureHashing(hashing_times=Machine(10 * MS), hashing_cost=cost)()

    assert (measured.better, measured.better_took) == (HashingCost(memory=97280, time=2), 50 * MS)


async def test_a_machine_too_slow_for_the_floor_is_proposed_nothing_below_it() -> None:
    assert await MeasureHashing(hashing_times=Machine(250 * MS), hashing_cost=FLOOR)() == Measured(took=250 * MS)


@example(floor=300_000, memory=31_000, time=2)
@given(
    floor=st.integers(1_000, 300_000),
    memory=st.integers(8, 262144),
    time=st.integers(1, 16),
)
async def test_whatever_is_set_it_is_measured_within_a_second(floor: int, memory: int, time: int) -> None:
    machine = Machine(timedelta(microseconds=floor))

    await MeasureHashing(hashing_times=machine, hashing_cost=HashingCost(memory=memory, time=time))()

    assert machine.busy < timedelta(seconds=1)


async def test_calibrating_tells_after_each_try_and_last_the_outcome() -> None:
    told = [one async for one in CalibrateHashing(hashing_times=Machine(10 * MS))(aim=Aim(took=50 * MS, free=0.7))]

    assert [len(one.tried) for one in told] == [1, 2]
    assert [one.best.cost for one in told] == [FLOOR, HashingCost(memory=97280, time=2)]
    assert told[-1].best.took == 50 * MS
    assert told[-1].best.free == 0.75
    assert (told[-1].cores, told[-1].copied) == (4, 8e9)


async def test_what_a_hash_asks_of_memory_is_counted_as_copying_is_by_what_is_read_and_what_is_written() -> None:
    *_, last = [one async for one in CalibrateHashing(hashing_times=Machine(50 * MS))(aim=Aim(took=50 * MS))]

    assert last.best.cost == FLOOR
    assert last.asked_of_memory == pytest.approx(19456 * 1024 * 5 / 0.05 / 16e9)
