"""Who is hashed for, when everybody wants to be."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.turns import Turns
from application.ports.passwords import Overloaded
from domain.turn import Line, Turn


def log_in(address: int) -> Turn:
    return Turn(Line.LOG_INS, f"198.51.{address // 250}.{address % 250}/32")


class House:
    """Serves one at a time, as often as the test says."""

    def __init__(self, *, slots: int = 1, most: int = 64) -> None:
        self.turns = Turns(slots, most=most)
        self.served: list[Turn] = []
        self.refused: list[Turn] = []
        self._now: list[Turn] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *turns: Turn) -> None:
        for turn in turns:
            self.tasks.append(asyncio.create_task(self._take(turn)))
        await self._settled()

    async def serve(self, times: int = 1) -> None:
        for _ in range(times):
            if self._now:
                self.turns.give_back(self._now.pop(0))
            await self._settled()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _take(self, turn: Turn) -> None:
        try:
            await self.turns.take(turn)
        except Overloaded:
            self.refused.append(turn)
        else:
            self.served.append(turn)
            self._now.append(turn)

    async def _settled(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


async def test_ac10_a_flood_from_ten_addresses_lets_an_honest_one_in_after_a_turn_of_each() -> None:
    house, honest = House(), Turn(Line.LOG_INS, "203.0.113.7/32")
    await house.come(*(log_in(number % 10) for number in range(1000)))
    before = len(house.served)

    await house.come(honest)
    await house.serve(12)

    assert honest not in house.refused
    assert house.served.index(honest) - before <= 11
    await house.close()


async def test_pw11_in_a_full_line_whoever_has_most_waiting_gives_up_a_place() -> None:
    house = House(most=10)
    await house.come(log_in(0), *(log_in(1 + number % 2) for number in range(10)))

    await house.come(log_in(3), log_in(1))

    assert house.refused[0] in {log_in(1), log_in(2)}
    assert log_in(3) not in house.refused
    assert len(house.refused) == 2
    await house.close()


async def test_pw11_a_line_where_everybody_is_somebody_else_refuses_at_once() -> None:
    house = House(most=10)

    await house.come(*(log_in(number) for number in range(500)))

    assert (len(house.served), len(house.refused)) == (1, 489)
    await house.close()


async def test_pw11_one_who_goes_away_at_the_moment_at_which_another_comes_makes_room_for_them() -> None:
    house = House(most=2)
    await house.come(log_in(0), log_in(1), log_in(1))

    house.tasks.insert(0, asyncio.create_task(house._take(log_in(2))))  # has its turn before those who are called away
    house.tasks[-1].cancel()
    await house.come()
    await house.serve(3)

    assert (house.refused, house.served) == ([], [log_in(0), log_in(1), log_in(2)])
    await house.close()


async def test_known_devices_have_eight_of_ten_turns_and_sign_ups_one() -> None:
    house = House()
    devices = [Turn(Line.DEVICES, f"account {number}") for number in range(64)]
    sign_ups = [Turn(Line.SIGN_UPS, f"203.0.113.{number}/32") for number in range(64)]
    await house.come(log_in(999), *(log_in(number) for number in range(64)), *devices, *sign_ups)

    await house.serve(50)

    turns = Counter(turn.line for turn in house.served[1:])
    assert turns == {Line.DEVICES: 40, Line.LOG_INS: 5, Line.SIGN_UPS: 5}
    await house.close()


async def test_ac10_ten_thousand_addresses_keep_no_known_device_out() -> None:
    house = House()
    await house.come(*(log_in(number) for number in range(10_000)))
    device = Turn(Line.DEVICES, "198.51.100.1/32", "an account")

    await house.come(device)
    await house.serve(2)

    assert device in house.served
    await house.close()


async def test_ac10_who_has_signed_up_for_many_accounts_keeps_no_known_device_out() -> None:
    house = House(slots=2)
    await house.come(*(Turn(Line.DEVICES, "203.0.113.7/32", f"account {number}") for number in range(300)))
    device = Turn(Line.DEVICES, "198.51.100.1/32", "an account")

    await house.come(device)
    await house.serve(2)

    assert device in house.served
    assert device not in house.refused
    await house.close()


async def test_of_one_account_one_device_is_served_at_a_time() -> None:
    house = House(slots=4)
    same, other = (Turn(Line.DEVICES, "198.51.100.1/32", account) for account in ("an account", "another"))

    await house.come(same, same, same, other)
    at_once = list(house.served)
    await house.serve()

    assert at_once == [same, other]
    assert house.served == [same, other, same]
    await house.close()


@pytest.mark.parametrize("line", Line)
async def test_a_line_that_is_alone_has_every_turn(line: Line) -> None:
    house = House()
    await house.come(*(Turn(line, str(number)) for number in range(30)))

    await house.serve(29)

    assert len(house.served) == 30


TURNS = st.builds(Turn, st.sampled_from(Line), st.sampled_from("abc"))


@given(st.lists(st.tuples(st.sampled_from(["come", "serve", "go"]), TURNS), max_size=60))
def test_whoever_comes_and_goes_no_slot_is_lost(acts: Sequence[tuple[str, Turn]]) -> None:
    async def live() -> None:
        house = House(slots=2, most=5)
        for act, turn in acts:
            if act == "come":
                await house.come(turn)
            elif act == "serve":
                await house.serve()
            elif waiting := [task for task in house.tasks if not task.done()]:
                waiting[-1].cancel()
                await house.serve()
        await house.serve(100)

        assert all(task.done() for task in house.tasks)
        await house.come(Turn(Line.DEVICES, "x"), Turn(Line.LOG_INS, "y"))
        assert len(house.served) >= 2
        assert [turn.whose for turn in house.served[-2:]] == ["x", "y"]

    asyncio.run(live())


@pytest.mark.parametrize("waiting", [(0, 1), (0, 0, 1), (0, 0, 1, 1), (0, 1, 2, 3)])
@pytest.mark.parametrize("comer", [0, 1, 4])
async def test_there_is_said_to_be_room_for_whoever_is_not_refused_at_once(waiting: Sequence[int], comer: int) -> None:
    house = House(most=len(waiting))
    await house.come(log_in(9), *map(log_in, waiting))  # the first is served
    said = has_room(house, log_in(comer))

    await house.come(log_in(comer))

    assert said is (log_in(comer) not in house.refused)
    assert has_room(house, Turn(Line.SIGN_UPS, ""))
    await house.close()


async def test_pw11_no_more_are_let_in_beforehand_than_there_will_be_room_for() -> None:
    house = House(slots=2, most=10)
    with ExitStack() as under_way:
        for number in range(12):
            under_way.enter_context(house.turns.room(log_in(number)))

        assert not has_room(house, log_in(99))
        assert has_room(house, Turn(Line.SIGN_UPS, ""))

    assert has_room(house, log_in(99))


async def test_ac10_who_comes_from_elsewhere_is_let_in_although_one_address_has_sent_all_that_are_under_way() -> None:
    house = House(most=10)
    with ExitStack() as under_way:
        for _ in range(11):
            under_way.enter_context(house.turns.room(log_in(1)))
        await house.come(*[log_in(1)] * 11)

        assert has_room(house, log_in(2))
        assert not has_room(house, log_in(1))
    await house.close()


async def test_of_many_from_as_many_addresses_who_waits_already_is_not_put_off_by_who_comes() -> None:
    house = House(most=3)
    await house.come(*map(log_in, range(4)))

    await house.come(log_in(4))
    await house.serve(4)

    assert (house.refused, house.served) == ([log_in(4)], [*map(log_in, range(4))])
    await house.close()


def has_room(house: House, turn: Turn) -> bool:
    try:
        with house.turns.room(turn):
            return True
    except Overloaded:
        return False
