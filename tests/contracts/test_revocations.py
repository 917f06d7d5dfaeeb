import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.ports.unit_of_work import Store
from domain.origin import Trace
from domain.revocation import MOST_ON_A_PAGE, FeedPosition, RevocationPage
from domain.session import EndReason, Lifetimes, SessionId
from tests.contracts.conftest import Storage
from tests.databases import Databases
from tests.examples import HERE, a_new_session, a_stored_session, a_stored_user, a_token, a_user
from tests.fakes import FakeClock

GRACE = timedelta(seconds=30)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


async def _read(store: Store, after: FeedPosition | None = None, *, limit: int = MOST_ON_A_PAGE) -> RevocationPage:
    return await store.live.read_revocations(after, limit=limit)


async def _read_all(store: Store, after: FeedPosition | None = None) -> tuple[set[SessionId], set[str], FeedPosition]:
    sessions: set[SessionId] = set()
    kids: set[str] = set()
    while True:
        page = await _read(store, after)
        sessions |= set(page.sessions)
        kids |= set(page.kids)
        after = page.until
        if page.is_last:
            return sessions, kids, after


async def test_an_ended_session_is_told_once_read_on_and_to_whoever_starts_anew(storage: Storage) -> None:
    one, _ = await a_stored_session(storage.store, await a_stored_user(storage.store, a_user("one")))
    other, _ = await a_stored_session(storage.store, await a_stored_user(storage.store, a_user("other")))
    start = await _read(storage.store)

    await storage.store.live.end_session(one.id, reason=EndReason.LOGOUT)
    first = await _read(storage.another, start.until)
    await storage.store.live.end_session(other.id, reason=EndReason.LOGOUT)
    second = await _read(storage.another, first.until)
    third = await _read(storage.another, second.until)

    assert (start.sessions, start.reset, start.is_last) == ((), True, True)
    assert (first.sessions, first.reset, first.is_last) == ((one.id,), False, True)
    assert set(second.sessions) - set(first.sessions) == {other.id}
    assert set(third.sessions) <= {one.id, other.id}
    assert set((await _read(storage.another)).sessions) == {one.id, other.id}


async def test_ending_a_session_twice_tells_it_once(store: Store) -> None:
    session, _ = await a_stored_session(store)

    for _ in range(2):
        await store.live.end_session(session.id, reason=EndReason.LOGOUT)

    assert (await _read(store)).sessions == (session.id,)


async def test_a_session_that_misuse_ends_is_told_and_one_that_is_rotated_is_not(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    for counter in range(3):
        await storage.store.live.rotate(a_token(session, secret, counter=counter), grace=GRACE, trace=HERE)
    assert (await _read(storage.store)).sessions == ()

    await asyncio.gather(*(storage.store.live.rotate(a_token(session, secret), grace=GRACE, trace=HERE) for _ in range(20)))

    assert (await _read(storage.another)).sessions == (session.id,)


async def test_a_session_that_is_shadowed_is_told(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    elsewhere = Trace(network="198.51.100.0/24", digests=(b"thief---",))

    for counter in range(3):
        for trace in (HERE, elsewhere):
            await storage.store.live.rotate(a_token(session, secret, counter=counter), grace=GRACE, trace=trace)

    assert (await _read(storage.another)).sessions == (session.id,)


async def test_each_of_a_users_sessions_is_told_but_the_one_spared(store: Store) -> None:
    user = await a_stored_user(store)
    sessions = [(await a_stored_session(store, user))[0] for _ in range(4)]

    async with store.begin() as work:
        await work.users.lock_by_username(user.username)
        await work.sessions.end_all_of(user.id, reason=EndReason.PASSWORD_CHANGED, spared=sessions[0].id)
        await work.commit()

    assert set((await _read(store)).sessions) == {session.id for session in sessions[1:]}


async def test_what_is_rolled_back_is_not_told(store: Store) -> None:
    user = await a_stored_user(store)
    session, _ = await a_stored_session(store, user)

    async with store.begin() as work:
        await work.sessions.end_all_of(user.id, reason=EndReason.USER_DISABLED)
        await work.revocations.withdraw_key("a-kid", until=LATER)

    assert await _read_all(store) == (set(), set(), (await _read(store)).until)
    assert await store.live.end_session(session.id, reason=EndReason.LOGOUT) is not None


async def test_a_withdrawn_key_is_told_until_its_last_token_has_expired_and_a_minute_more(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    async with storage.store.begin() as work:
        await work.revocations.withdraw_key("a-kid", until=session.access_until)
        await work.commit()

    told = (await _read(storage.another)).kids
    await storage.age(Lifetimes().access + timedelta(seconds=50))
    lingering = (await _read(storage.another)).kids
    await storage.age(timedelta(seconds=15))

    assert (told, lingering) == (("a-kid",), ("a-kid",))
    assert (await _read(storage.another)).kids == ()


async def test_what_concerns_no_token_any_more_is_neither_told_nor_kept(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    before = await _read(storage.store)
    await storage.age(Lifetimes().access + timedelta(seconds=61))

    async with storage.store.begin() as work:
        removed = await work.revocations.remove_expired(limit=10)
        again = await work.revocations.remove_expired(limit=10)
        await work.commit()

    assert (before.sessions, (await _read(storage.another)).sessions) == ((session.id,), ())
    assert (removed, again) == (1, 0)


async def test_after_a_purge_of_everything_a_reader_still_misses_nothing(storage: Storage) -> None:
    one, _ = await a_stored_session(storage.store)
    await storage.store.live.end_session(one.id, reason=EndReason.LOGOUT)
    position = (await _read_all(storage.store))[2]
    await storage.age(Lifetimes().access + timedelta(seconds=61))
    async with storage.store.begin() as work:
        await work.revocations.remove_expired(limit=10)
        await work.commit()

    other, _ = await a_stored_session(storage.store, await a_stored_user(storage.store, a_user("other")))
    await storage.store.live.end_session(other.id, reason=EndReason.LOGOUT)

    page = await _read(storage.another, position)
    assert (page.sessions, page.reset) == ((other.id,), False)


async def test_a_removal_of_many_stops_at_the_limit(storage: Storage) -> None:
    async with storage.store.begin() as work:
        for number in range(5):
            await work.revocations.withdraw_key(f"kid-{number}", until=datetime(2020, 1, 1, tzinfo=UTC))
        await work.commit()

    async with storage.store.begin() as work:
        removed = [await work.revocations.remove_expired(limit=2) for _ in range(4)]
        await work.commit()

    assert removed == [2, 2, 1, 0]


@pytest.mark.parametrize("change", ["epoch", "timeline", "ahead", "far ahead"])
async def test_a_position_of_another_store_or_ahead_of_it_starts_anew(store: Store, change: str) -> None:
    session, _ = await a_stored_session(store)
    await store.live.end_session(session.id, reason=EndReason.LOGOUT)
    position = (await _read_all(store))[2]
    foreign = {
        "epoch": replace(position, epoch="0123456789abcdef"),
        "timeline": replace(position, timeline=position.timeline + 1),
        "ahead": replace(position, xid=position.xid + 1000, id=position.id + 1000),
        "far ahead": replace(position, xid=10**18 - 1, id=10**18 - 1),
    }

    page = await _read(store, foreign[change])

    assert (page.sessions, page.reset) == ((session.id,), True)


async def test_many_come_in_pages_and_none_is_missed(store: Store) -> None:
    kids = [f"kid-{number}" for number in range(5)]
    async with store.begin() as work:  # one transaction: a page ends in the middle of it
        for kid in kids:
            await work.revocations.withdraw_key(kid, until=LATER)
        await work.commit()

    first = await _read(store, limit=2)
    second = await _read(store, first.until, limit=2)
    third = await _read(store, second.until, limit=2)
    fourth = await _read(store, third.until, limit=2)

    assert [*first.kids, *second.kids, *third.kids] == kids
    assert [len(page.kids) for page in (first, second, third)] == [2, 2, 1]
    assert [page.is_last for page in (first, second, third, fourth)] == [False, False, True, True]
    assert [page.reset for page in (first, second, third, fourth)] == [True, False, False, False]
    assert fourth.kids == ()


async def test_a_page_that_is_exactly_full_is_the_last(store: Store) -> None:
    async with store.begin() as work:
        for kid in ("one", "other"):
            await work.revocations.withdraw_key(kid, until=LATER)
        await work.commit()

    page = await _read(store, limit=2)

    assert (set(page.kids), page.is_last) == ({"one", "other"}, True)


async def test_what_is_revoked_between_two_pages_is_on_a_later_one(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    async with storage.store.begin() as work:
        for number in range(5):
            await work.revocations.withdraw_key(f"kid-{number}", until=LATER)
        await work.commit()
    first = await _read(storage.another, limit=2)

    await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)

    sessions, kids, _ = await _read_all(storage.another, first.until)
    assert (sessions, kids) == ({session.id}, {f"kid-{number}" for number in range(2, 5)})


async def test_of_thousands_of_revocations_that_overlap_a_reader_misses_none(databases: Databases, clock: FakeClock) -> None:
    url = await databases.make()
    store = SqlStore(open_engine(url, pool_size=20), clock, Lifetimes())
    users = [await a_stored_user(store, a_user(f"user{number}")) for number in range(16)]
    ended: set[SessionId] = set()
    told: set[SessionId] = set()
    resets = 0
    done = asyncio.Event()

    async def revoke(lane: int) -> None:
        for turn in range(16):
            async with store.begin() as work:
                opened = [await work.sessions.open(a_new_session(users[lane])) for _ in range(8)]
                await work.commit()
            ids = {each.session.id for each in opened if each}
            if turn % 3:
                await asyncio.gather(*(store.live.end_session(each, reason=EndReason.LOGOUT) for each in ids))
            else:
                async with store.begin() as work:  # which commits after others that began later
                    await work.sessions.end_all_of(users[lane].id, reason=EndReason.USER_DISABLED)
                    await asyncio.sleep((lane + turn) % 5 / 100)
                    await work.commit()
            ended.update(ids)

    async def read() -> None:
        nonlocal resets
        position: FeedPosition | None = None
        while True:
            last = done.is_set()
            page = await _read(store, position)
            resets += page.reset
            told.update(page.sessions)
            position = page.until
            if last:
                return

    reader = asyncio.create_task(read())
    await asyncio.gather(*(revoke(lane) for lane in range(len(users))))
    done.set()
    await reader
    await store.close()

    assert (len(ended), resets) == (16 * 16 * 8, 1)
    assert (len(ended - told), len(told - ended)) == (0, 0)
