"""Waiting for one of a few connections."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sql.waiting import FewerPlaces, WaitingLine

SILENCE = 0.2


async def test_whoever_asks_while_there_is_room_waits_for_nobody() -> None:
    line = WaitingLine(2)

    async with line as one, line as another:
        assert max(one.waited, another.waited).total_seconds() < 0.1
        assert max(one.silence, another.silence) < 0.1


async def test_who_came_first_is_served_first() -> None:
    line, served = WaitingLine(1), []

    async def ask(name: int) -> None:
        async with line:
            served.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask(name) for name in range(50)))

    assert served == list(range(50))


async def test_the_end_of_a_line_that_moves_waits_as_long_as_it_takes() -> None:
    line = WaitingLine(1, silence=SILENCE)

    async def ask() -> float:
        async with line as wait:
            await asyncio.sleep(SILENCE / 8)
        line.answered()
        return wait.waited.total_seconds()

    waits = await asyncio.gather(*(ask() for _ in range(24)))

    assert max(waits) > 2 * SILENCE


async def test_rl05_nobody_waits_for_storage_that_answers_nobody() -> None:
    line = WaitingLine(1, silence=SILENCE)

    async def ask() -> None:
        async with line:
            raise AssertionError("there is no room")

    async with line:
        began = asyncio.get_running_loop().time()
        refused = await asyncio.gather(*(ask() for _ in range(10)), return_exceptions=True)

    assert {type(error) for error in refused} == {TimeoutError}
    assert 0.9 * SILENCE <= asyncio.get_running_loop().time() - began < 20 * SILENCE
    async with line:
        pass


async def test_what_is_left_to_a_turn_counts_from_when_storage_last_answered() -> None:
    line = WaitingLine(1, silence=4 * SILENCE)

    async def ask() -> tuple[float, float]:
        async with line as wait:
            return wait.waited.total_seconds(), wait.silence

    async with line:
        asking = asyncio.create_task(ask())
        await asyncio.sleep(2 * SILENCE)
        line.answered()
        await asyncio.sleep(SILENCE)

    waited, silence = await asking
    assert waited >= 2.9 * SILENCE
    assert 0 < silence < waited - SILENCE


async def test_a_process_that_had_no_time_to_listen_does_not_take_that_for_silence() -> None:
    line = WaitingLine(1, silence=SILENCE)

    async def ask() -> str:
        async with line:
            return "served"

    async with line:
        asking = asyncio.create_task(ask())
        await asyncio.sleep(SILENCE / 4)
        time.sleep(3 * SILENCE)  # noqa: ASYNC251 - nothing else runs meanwhile: that is what is tried
        await asyncio.sleep(SILENCE / 4)

    assert await asking == "served"


async def test_who_is_called_and_leaves_at_that_moment_lets_the_next_one_in() -> None:
    line = WaitingLine(1)

    async def ask() -> str:
        async with line:
            return "served"

    async with line:
        leaving, staying = asyncio.create_task(ask()), asyncio.create_task(ask())
        await asyncio.sleep(0)
    leaving.cancel()

    assert await asyncio.wait_for(staying, 5) == "served"
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_who_waits_for_fewer_places_leaves_the_rest_to_others() -> None:
    everybody = WaitingLine(3)
    writers, inside = FewerPlaces(everybody, 2), 0

    async def write(until: asyncio.Event) -> None:
        nonlocal inside
        async with writers:
            inside += 1
            await until.wait()

    stored = asyncio.Event()
    writing = [asyncio.create_task(write(stored)) for _ in range(5)]
    for _ in range(9):
        await asyncio.sleep(0)
        async with everybody:
            pass
    assert inside == 2

    stored.set()
    await asyncio.wait_for(asyncio.gather(*writing), 5)
    assert inside == 5


async def test_rl05_storage_that_answers_others_is_silent_all_the_same_to_those_with_fewer_places() -> None:
    everybody = WaitingLine(2)
    writers = FewerPlaces(everybody, 1)

    async def write() -> None:
        async with writers:
            raise AssertionError("there is no room")

    async with writers:
        writing = asyncio.create_task(write())
        for _ in range(150):
            if writing.done():
                break
            async with everybody:
                everybody.answered()
            await asyncio.sleep(0.02)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(writing), 0.1)


async def test_who_gives_up_waiting_in_the_second_line_gives_back_the_place_in_the_first() -> None:
    everybody = WaitingLine(1)
    writers = FewerPlaces(everybody, 1)

    async def write() -> str:
        async with writers:
            return "served"

    async with everybody:
        leaving = asyncio.create_task(write())
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving

    assert await asyncio.wait_for(write(), 5) == "served"


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=12),
)
def test_never_are_more_served_than_there_is_room_for_and_no_room_is_lost(
    places: int, to_write: int, visits: Sequence[tuple[bool, int, int, bool]]
) -> None:
    fewer = min(to_write, places)

    async def all_come_and_go() -> None:
        line, inside = WaitingLine(places), {True: 0, False: 0}
        writers = FewerPlaces(line, fewer)

        async def visit(writes: bool, before: int, within: int) -> None:
            for _ in range(before):
                await asyncio.sleep(0)
            async with writers if writes else line:
                inside[writes] += 1
                try:
                    assert sum(inside.values()) <= places
                    assert inside[True] <= fewer
                    for _ in range(within):
                        await asyncio.sleep(0)
                finally:
                    inside[writes] -= 1

        coming = [asyncio.create_task(visit(writes, before, within)) for writes, before, within, _ in visits]
        for task, (*_, leaves) in zip(coming, visits, strict=True):
            await asyncio.sleep(0)
            if leaves:
                task.cancel()
        for result in await asyncio.gather(*coming, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError)
        all_in = asyncio.Barrier(places)
        await asyncio.wait_for(asyncio.gather(*(_hold(line, all_in) for _ in range(places))), 5)
        all_in = asyncio.Barrier(fewer)
        await asyncio.wait_for(asyncio.gather(*(_hold(writers, all_in) for _ in range(fewer))), 5)

    asyncio.run(all_come_and_go())


async def _hold(line: WaitingLine | FewerPlaces, all_in: asyncio.Barrier) -> None:
    async with line:
        await all_in.wait()
