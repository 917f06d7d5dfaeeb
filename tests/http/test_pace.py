"""How many requests begin at a time."""

import asyncio
from typing import Any

from entrypoints.http.pace import Pace


class Served:
    """The paths of the requests that began, in order, with a mark between the turns of the loop."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.pace = Pace(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        self.begun.append(scope["path"])

    async def ask(self, *paths: str) -> None:
        asking = [asyncio.create_task(self.pace({"type": "http", "path": path}, None, None)) for path in paths]  # type: ignore[arg-type]
        while not all(task.done() for task in asking):
            await asyncio.sleep(0)
            self.begun.append("|")

    @property
    def turns(self) -> list[list[str]]:
        return [turn.split() for turn in " ".join(self.begun).split("|") if turn.split()]


async def test_a_few_begin_in_each_turn_of_the_loop_in_the_order_in_which_they_came() -> None:
    served = Served()

    await served.ask(*(f"/{number}" for number in range(50)))

    assert max(len(turn) for turn in served.turns) <= 8
    assert [path for turn in served.turns for path in turn] == [f"/{number}" for number in range(50)]


async def test_pw12_who_comes_without_a_password_goes_before_those_who_come_with_one_but_for_a_few() -> None:
    served = Served()

    await served.ask(*["/token"] * 50, *["/users/me"] * 9)

    order = [path for turn in served.turns for path in turn]
    assert order[:8] == ["/token"] * 8
    assert order[8:24].count("/users/me") == 9
    assert order.count("/token") == 50


async def test_whether_the_process_lives_is_told_out_of_turn() -> None:
    served = Served()

    await served.ask(*["/users/me"] * 50, "/health/live")

    assert "/health/live" in served.turns[0]


async def test_who_goes_away_while_waiting_takes_nobodys_turn() -> None:
    served = Served()
    asking = [asyncio.create_task(served.pace({"type": "http", "path": "/x"}, None, None)) for _ in range(20)]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    for task in asking[8:16]:
        task.cancel()

    await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), 5)

    assert len(served.begun) == 12


def test_who_waited_in_a_loop_that_is_over_takes_no_turn_in_the_next() -> None:
    served = Served()

    async def cut_short() -> None:
        paths = ["/users/me"] * 20 + ["/token"] * 20
        asking = [served.pace({"type": "http", "path": path}, None, None) for path in paths]  # type: ignore[arg-type]
        tasks = [*map(asyncio.create_task, asking)]
        await asyncio.sleep(0)
        assert not all(task.done() for task in tasks)

    earlier = asyncio.new_event_loop()
    earlier.run_until_complete(cut_short())
    earlier.close()
    served.begun.clear()
    asyncio.run(served.ask(*["/health/ready"] * 16))

    assert served.turns == [["/health/ready"] * 8, ["/health/ready"] * 8]
