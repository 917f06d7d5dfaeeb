"""What was counted, on each storage: the same verdicts, in any order of events, by any number of rivals."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from adapters.sql.store import SqlStore
from adapters.sql.throttle import FORGETTING
from application.ports.throttle_state import DEVICE, UNKNOWN, Among, Hit
from domain.attempts import FREE, HELD_FOR, KEPT_FOR, MOST, MOST_DEVICES, OF_A_DEVICE, Admission, wait_after
from domain.throttle import Limit
from tests.contracts.conftest import Storage

TEN = Limit(10, timedelta(hours=1))
ACCOUNT = "an account"


async def reserve(storage: Storage, account: str = ACCOUNT) -> Admission | None:
    return (await storage.store.throttle.reserve(account, hits=())).admission


async def failed(storage: Storage, times: int) -> None:
    """So many failures, as fast as they are let through."""
    for failures in range(1, times + 1):
        assert await reserve(storage) is Admission.RESERVED
        await storage.store.throttle.fail(ACCOUNT)
        await storage.age(wait_after(failures))


@pytest.mark.parametrize("count", [1, 10])
async def test_ac07_of_many_rivals_as_many_are_let_through_as_the_limit_says(storage: Storage, count: int) -> None:
    limit = Limit(count, timedelta(hours=1))
    stores = [storage.store, storage.another] * 25

    verdicts = [
        verdict for [verdict] in await asyncio.gather(*(store.throttle.hit([Hit("an address", limit)]) for store in stores))
    ]

    assert sum(verdict.allowed for verdict in verdicts) == count
    assert {verdict.remaining for verdict in verdicts if verdict.allowed} == set(range(count))
    refused = [verdict.retry_after for verdict in verdicts if not verdict.allowed]
    assert all(limit.share - timedelta(seconds=30) < retry_after <= limit.share for retry_after in refused)


async def test_what_was_taken_comes_back_with_time(storage: Storage) -> None:
    for _ in range(10):
        await storage.store.throttle.hit([Hit("an address", TEN)])
    [full] = await storage.store.throttle.hit([Hit("an address", TEN)])
    await storage.age(TEN.share)

    [first], [second] = [await storage.another.throttle.hit([Hit("an address", TEN)]) for _ in range(2)]

    assert [full.allowed, first.allowed, second.allowed] == [False, True, False]


async def test_keys_are_counted_apart_and_each_by_its_own_limit(storage: Storage) -> None:
    wide, narrow = Hit("a /48", Limit(3, timedelta(hours=1))), Hit("a /64", Limit(1, timedelta(hours=1)))
    other = Hit("another /64", narrow.limit)

    both = [await storage.store.throttle.hit([one, wide]) for one in (narrow, narrow, other)]

    assert [[verdict.allowed for verdict in verdicts] for verdicts in both] == [[True, True], [False, True], [True, True]]
    [refused] = await storage.store.throttle.hit([wide])
    assert not refused.allowed


async def test_ac08_of_fifty_parallel_attempts_at_one_account_five_get_a_place(storage: Storage) -> None:
    stores = [storage.store, storage.another] * 25

    found = await asyncio.gather(*(store.throttle.reserve(ACCOUNT, hits=()) for store in stores))

    assert sorted(one.admission or "" for one in found) == [Admission.FULL] * 45 + [Admission.RESERVED] * FREE


async def test_a_refused_hit_takes_no_place(storage: Storage) -> None:
    hits = [Hit("an address", Limit(2, timedelta(hours=1)))]

    found = [await storage.store.throttle.reserve(ACCOUNT, hits=hits) for _ in range(4)]

    assert [one.admission for one in found] == [Admission.RESERVED] * 2 + [None] * 2
    assert [one.verdicts[0].allowed for one in found] == [True] * 2 + [False] * 2
    assert [await reserve(storage) for _ in range(4)] == [Admission.RESERVED] * 3 + [Admission.FULL]


async def test_after_five_failures_each_attempt_waits_longer(storage: Storage) -> None:
    await failed(storage, FREE - 1)
    waits = []
    for failures in range(FREE, FREE + 4):
        assert await reserve(storage) is Admission.RESERVED
        await storage.store.throttle.fail(ACCOUNT)
        early = await storage.another.throttle.reserve(ACCOUNT, hits=())
        waits.append(early.retry_after)
        assert early.admission is Admission.EARLY
        await storage.age(wait_after(failures))

    assert all(before < after for before, after in pairwise(waits))
    assert [round(wait / timedelta(seconds=30)) for wait in waits] == [1, 2, 4, 8]


async def test_after_a_wait_one_is_let_through_at_a_time(storage: Storage) -> None:
    await failed(storage, 6)

    found = await asyncio.gather(*(storage.store.throttle.reserve(ACCOUNT, hits=()) for _ in range(10)))

    assert sorted(one.admission or "" for one in found) == [Admission.FULL] * 9 + [Admission.RESERVED]


async def test_ac07_after_a_hundred_failures_the_account_is_closed_until_a_success(storage: Storage) -> None:
    await failed(storage, MOST)
    await storage.age(timedelta(days=400))
    closed = await reserve(storage)

    await storage.store.throttle.succeed(ACCOUNT)

    assert closed is Admission.CLOSED
    assert await reserve(storage) is Admission.RESERVED


async def test_a_success_gives_the_place_back_and_forgets_the_failures(storage: Storage) -> None:
    await failed(storage, 4)
    assert await reserve(storage) is Admission.RESERVED

    await storage.store.throttle.succeed(ACCOUNT)

    assert [await reserve(storage) for _ in range(6)] == [Admission.RESERVED] * FREE + [Admission.FULL]


async def test_a_success_of_a_device_forgives_its_account_and_takes_no_place_of_anybody(storage: Storage) -> None:
    device, throttle = f"{DEVICE}one", storage.store.throttle
    await failed(storage, MOST)
    assert (await throttle.reserve(device, hits=(), rule=OF_A_DEVICE)).admission is Admission.RESERVED

    await throttle.succeed(device, forgiving=ACCOUNT)

    assert [await reserve(storage) for _ in range(6)] == [Admission.RESERVED] * FREE + [Admission.FULL]


async def test_a_device_has_ten_failures_in_a_row_without_a_wait_and_no_more(storage: Storage) -> None:
    device, throttle = f"{DEVICE}one", storage.store.throttle
    admissions = []
    for _ in range(11):
        admissions.append((await throttle.reserve(device, hits=(), rule=OF_A_DEVICE)).admission)
        await throttle.fail(device)
    await storage.age(timedelta(days=100))

    assert admissions == [Admission.RESERVED] * 10 + [Admission.CLOSED]
    assert (await throttle.reserve(device, hits=(), rule=OF_A_DEVICE)).admission is Admission.CLOSED


async def test_the_twenty_newest_devices_of_an_account_get_places_and_older_ones_are_left_behind(storage: Storage) -> None:
    numbers = []
    for _ in range(MOST_DEVICES + 3):
        assert await reserve(storage) is Admission.RESERVED
        numbers.append(await storage.store.throttle.succeed_anew(ACCOUNT))

    admitted = [
        (await storage.another.throttle.reserve(f"{DEVICE}{n}", hits=(), rule=OF_A_DEVICE, among=Among(ACCOUNT, n))).admission
        for n in numbers
    ]

    assert numbers == list(range(1, MOST_DEVICES + 4))
    assert admitted == [None] * 3 + [Admission.RESERVED] * MOST_DEVICES


async def test_of_many_devices_at_once_each_has_a_number_of_its_own(storage: Storage) -> None:
    await reserve(storage)

    numbers = await asyncio.gather(*(storage.store.throttle.succeed_anew(ACCOUNT) for _ in range(10)))

    assert sorted(numbers) == list(range(1, 11))
    assert await reserve(storage) is Admission.RESERVED


async def test_a_new_device_gives_the_place_back_and_forgets_the_failures_and_no_other_success_is_one(storage: Storage) -> None:
    await failed(storage, 4)
    await reserve(storage)
    first = await storage.store.throttle.succeed_anew(ACCOUNT)
    places = [await reserve(storage) for _ in range(6)]
    await storage.store.throttle.succeed(ACCOUNT)

    assert (first, places) == (1, [Admission.RESERVED] * FREE + [Admission.FULL])
    assert await storage.store.throttle.succeed_anew(ACCOUNT) == 2


async def test_a_device_of_an_account_of_which_nothing_is_known_is_not_left_behind(storage: Storage) -> None:
    found = await storage.store.throttle.reserve(f"{DEVICE}one", hits=(), rule=OF_A_DEVICE, among=Among(ACCOUNT, 1))

    assert found.admission is Admission.RESERVED


async def test_an_attempt_that_was_not_evaluated_costs_nothing(storage: Storage) -> None:
    for _ in range(20):
        assert await reserve(storage) is Admission.RESERVED
        await storage.store.throttle.give_back(ACCOUNT)

    assert [await reserve(storage) for _ in range(6)] == [Admission.RESERVED] * FREE + [Admission.FULL]


async def test_a_place_that_a_killed_process_held_is_a_failure_after_a_while(storage: Storage) -> None:
    assert [await reserve(storage) for _ in range(6)] == [Admission.RESERVED] * FREE + [Admission.FULL]

    await storage.age(HELD_FOR)
    found = await storage.store.throttle.reserve(ACCOUNT, hits=())

    assert found.admission is Admission.EARLY
    assert timedelta(seconds=20) < found.retry_after <= wait_after(FREE)


async def test_settling_what_was_never_reserved_changes_no_count_below_zero(storage: Storage) -> None:
    await storage.store.throttle.give_back(ACCOUNT)
    await storage.store.throttle.succeed(ACCOUNT)

    assert [await reserve(storage) for _ in range(6)] == [Admission.RESERVED] * FREE + [Admission.FULL]


@pytest.mark.parametrize("account", [ACCOUNT, f"{UNKNOWN}nobody"])
async def test_failures_at_an_account_are_kept_and_those_at_no_account_for_a_month(storage: Storage, account: str) -> None:
    throttle = storage.store.throttle
    for _ in range(FREE):
        await throttle.reserve(account, hits=[Hit("an address", TEN)])
        await throttle.fail(account)
    removed = [await throttle.forget_idle(limit=10)]
    await storage.age(KEPT_FOR + timedelta(hours=1))

    removed += [await throttle.forget_idle(limit=10) for _ in range(2)]

    assert removed == [0, 1 + account.startswith(UNKNOWN), 0]
    places = [(await throttle.reserve(account, hits=())).admission for _ in range(2)]
    assert places == [Admission.RESERVED, Admission.RESERVED if account.startswith(UNKNOWN) else Admission.FULL]


async def test_no_more_is_removed_than_is_asked_for(storage: Storage) -> None:
    await storage.store.throttle.hit([Hit(f"address {number}", TEN) for number in range(5)])
    await storage.age(timedelta(hours=1))

    assert [await storage.store.throttle.forget_idle(limit=3) for _ in range(3)] == [3, 2, 0]


async def test_what_is_idle_is_found_without_reading_all_that_is_not(storage: Storage) -> None:
    """A flood of names that nobody has leaves millions; a purge that reads them takes longer than a statement may."""
    if not isinstance(storage.store, SqlStore):
        return
    async with storage.store._engine.begin() as connection:
        dialect, plan = connection.dialect.name, ""
        if dialect == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # the table is small here
        explain = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}[dialect]
        for statement in FORGETTING[dialect]:
            rows = await connection.execute(text(f"{explain} {statement}"), {"most": 500, "now": 0})
            plan += str(rows.all())

    assert "ix_throttle_due_at" in plan
    assert "ix_attempts_reserved_until" in plan
