from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.calibration import MOST_TRIES, Aim, TriedCost
from domain.hashing_cost import MOST_MEMORY, HashingCost

FLOOR = HashingCost()
MS = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Takes so long for the floor; slower by half, and with little bandwidth left, where the cores' hashes exceed its cache."""

    floor: timedelta
    cache: int = MOST_MEMORY * 64
    left: float = 0.4
    noise: float = 0.0

    def tries(self, cost: HashingCost, number: int) -> TriedCost:
        outside = cost.memory > self.cache
        took = self.floor * (cost.work / FLOOR.work) * (1.5 if outside else 1) * (1 + self.noise * (-1) ** number)
        return TriedCost(cost=cost, took=took, free=self.left if outside else 0.95)


def calibrated(machine: Machine, aim: Aim) -> list[TriedCost]:
    tried: list[TriedCost] = []
    while cost := aim.next(tried):
        tried.append(machine.tries(cost, len(tried)))
    return tried


machines = st.builds(
    Machine,
    floor=st.integers(500, 2_000_000).map(lambda us: timedelta(microseconds=us)),
    cache=st.integers(1024, MOST_MEMORY * 2),
    left=st.floats(0.05, 1.0),
    noise=st.floats(0, 0.3),
)
aims = st.builds(Aim, took=st.integers(10, 1000).map(lambda ms: ms * MS), free=st.floats(0, 0.95))


@given(machine=machines, aim=aims)
def test_pw08_whatever_the_machine_and_the_aim_nothing_below_the_floor_is_tried_or_proposed(machine: Machine, aim: Aim) -> None:
    tried = calibrated(machine, aim)

    assert 1 <= len(tried) <= MOST_TRIES
    for one in (*tried, aim.best(tried)):
        assert FLOOR.memory <= one.cost.memory <= MOST_MEMORY
        assert FLOOR.time <= one.cost.time <= 16
        assert one.cost.parallelism == 1


@given(machine=machines, aim=aims)
def test_nothing_is_proposed_that_takes_too_long_unless_it_is_the_floor(machine: Machine, aim: Aim) -> None:
    best = aim.best(calibrated(machine, aim))

    assert best.cost == FLOOR or best.took <= aim.took * 1.2


@given(machine=machines, aim=aims)
def test_nothing_that_crowds_others_is_proposed_while_something_tried_does_not(machine: Machine, aim: Aim) -> None:
    tried = calibrated(machine, aim)

    best = aim.best(tried)

    assert best.free >= aim.free or not [one for one in tried if one.free >= aim.free and one.took <= aim.took * 1.2]


@given(us=st.integers(2_000, 50_000), target=st.integers(50, 200))
def test_with_bandwidth_to_spare_the_aim_is_met(us: int, target: int) -> None:
    aim = Aim(took=target * MS)

    best = aim.best(calibrated(Machine(floor=timedelta(microseconds=us)), aim))

    assert aim.is_kept_to(best)
    assert best.cost.time == 2 or best.cost.memory > MOST_MEMORY / 2


def test_where_much_memory_crowds_others_less_of_it_is_passed_over_more_often() -> None:
    aim = Aim(took=100 * MS)

    best = aim.best(calibrated(Machine(floor=10 * MS, cache=40_000), aim))

    assert aim.is_kept_to(best)
    assert best.cost.memory <= 40_000
    assert best.cost.time > 2


def test_a_machine_on_which_even_the_floor_crowds_others_is_told_what_leaves_most() -> None:
    aim = Aim()

    best = aim.best(calibrated(Machine(floor=10 * MS, cache=1), aim))

    assert not aim.is_kept_to(best)
    assert best.took <= aim.took * 1.2


def test_a_slow_machine_is_told_the_floor() -> None:
    aim = Aim()
    tried = calibrated(Machine(floor=300 * MS), aim)

    assert aim.best(tried).cost == FLOOR
    assert not aim.is_kept_to(aim.best(tried))
