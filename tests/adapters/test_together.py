"""One statement for all who ask at once."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sql import together
from adapters.sql.together import MOST, Together


class Statements:
    """Each is answered when it is told to be, with its number and what it was for."""

    def __init__(self) -> None:
        self.sent: list[Sequence[str]] = []
        self.ends: list[asyncio.Future[None]] = []
        self.together: Together[str, tuple[int, Sequence[str]]] = Together(self._find)

    async def _find(self, keys: Sequence[str]) -> tuple[int, Sequence[str]]:
        self.sent.append(list(keys))
        self.ends.append(asyncio.get_running_loop().create_future())
        number = len(self.sent) - 1
        await self.ends[number]
        return number, keys

    async def ask(self, *keys: str) -> list["asyncio.Task[tuple[int, Sequence[str]]]"]:
        tasks = [asyncio.create_task(self.together.ask(key)) for key in keys]
        await turns()
        return tasks

    async def answer(self, number: int, error: BaseException | None = None) -> None:
        if error:
            self.ends[number].set_exception(error)
        else:
            self.ends[number].set_result(None)
        await turns()


@pytest.fixture
async def statements() -> Statements:
    return Statements()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_alone_is_asked_for_at_once(statements: Statements) -> None:
    for number, key in enumerate(["a", "b"]):
        [asked] = await statements.ask(key)
        assert statements.sent[number] == [key]
        await statements.answer(number)
        assert await asked == (number, (key,))


async def test_those_who_come_meanwhile_share_the_next_which_was_sent_after_they_came(statements: Statements) -> None:
    [first] = await statements.ask("a")
    others = await statements.ask("b", "c", "b", "a")
    assert statements.sent == [["a"]]

    await statements.answer(0)
    assert statements.sent == [["a"], ["b", "c", "a"]]
    [last] = await statements.ask("d")
    await statements.answer(1)

    assert (await first)[0] == 0
    assert {(await other)[0] for other in others} == {1}
    assert statements.sent == [["a"], ["b", "c", "a"], ["d"]]
    await statements.answer(2)
    assert (await last)[0] == 2


async def test_a_statement_is_for_no_more_than_there_is_room_for(
    statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "_LONGEST_WAIT", 60)  # on a machine that stalls the rest would go by itself
    asked = await statements.ask(*(f"key{number}" for number in range(2 * MOST + 3)))

    assert [len(keys) for keys in statements.sent] == [1, MOST, MOST]
    for number in range(3):
        await statements.answer(number)
    await statements.answer(3)
    assert [len(keys) for keys in statements.sent] == [1, MOST, MOST, 2]
    await asyncio.gather(*asked)


async def test_one_that_hangs_holds_up_the_next_for_some_milliseconds(statements: Statements) -> None:
    [hanging] = await statements.ask("a")
    asked = await statements.ask("b", "c")

    await asyncio.sleep(0.02)
    assert statements.sent == [["a"], ["b", "c"]]
    await statements.answer(1)

    await asyncio.gather(*asked)
    assert not hanging.done()
    await statements.answer(0)
    await hanging


async def test_what_goes_wrong_is_told_to_those_it_went_wrong_for(statements: Statements) -> None:
    [first] = await statements.ask("a")
    others = await statements.ask("b", "c")

    await statements.answer(0, ConnectionError("first"))
    [last] = await statements.ask("d")
    await statements.answer(1, ConnectionError("second"))
    await statements.answer(2)

    told = await asyncio.gather(first, *others, last, return_exceptions=True)
    assert [str(error) for error in told[:3]] == ["first", "second", "second"]
    assert told[3] == (2, ["d"])


async def test_who_goes_away_holds_nobody_up_and_is_not_asked_for(statements: Statements) -> None:
    [first] = await statements.ask("a")
    gone, stays = await statements.ask("b", "c")

    gone.cancel()
    first.cancel()
    await turns()
    assert statements.sent == [["a"], ["c"]]
    later = await statements.ask("d", "e")
    stays.cancel()
    await turns()
    assert not any(one.done() for one in later)
    await statements.answer(1)
    await statements.answer(2)

    assert [await one for one in later] == [(2, ["d", "e"])] * 2


async def test_where_all_have_gone_away_nothing_is_asked(statements: Statements) -> None:
    [first] = await statements.ask("a")
    [gone] = await statements.ask("b")

    gone.cancel()
    await statements.answer(0)

    await first
    assert statements.sent == [["a"]]


async def test_who_is_waited_for_when_the_loop_ends_is_given_up(statements: Statements) -> None:
    [first] = await statements.ask("a")
    [second] = await statements.ask("b")
    await statements.answer(0)
    await first

    for task in statements.together._tasks:
        task.cancel()
    await turns()

    assert second.cancelled()


@given(acts=st.lists(st.sampled_from(["ask", "ask", "ask", "answer", "fail", "leave", "wait"]), max_size=60), data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_happens_each_who_stays_has_one_answer_which_was_asked_after_they_came(
    acts: Sequence[str], data: st.DataObject
) -> None:
    async def run() -> None:
        statements = Statements()
        came: dict[asyncio.Task[tuple[int, Sequence[str]]], tuple[str, int]] = {}
        for number, act in enumerate(acts):
            unanswered = [end for end in statements.ends if not end.done()]
            if act == "ask":
                before = len(statements.sent)
                [task] = await statements.ask(f"key{number % 7}")
                came[task] = (f"key{number % 7}", before)
            elif act in {"answer", "fail"} and unanswered:
                error = ConnectionError() if act == "fail" else None
                await statements.answer(statements.ends.index(data.draw(st.sampled_from(unanswered))), error)
            elif act == "leave" and came:
                data.draw(st.sampled_from(list(came))).cancel()
                await turns()
            elif act == "wait":
                await asyncio.sleep(0.006)
        while unanswered := [end for end in statements.ends if not end.done()]:
            await statements.answer(statements.ends.index(unanswered[0]))

        assert all(task.done() for task in came)
        for task, (key, before) in came.items():
            if not task.cancelled() and task.exception() is None:
                number, keys = task.result()
                assert key in keys
                assert number >= before
        assert all(0 < len(keys) <= MOST for keys in statements.sent)
        assert statements.together._under_way == 0

    asyncio.run(run())
