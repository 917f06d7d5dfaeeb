import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports.audit import Wanted
from domain.audit import Act, Action, Agent
from domain.origin import Origin
from domain.session import EndReason, NewSession, Opened, Session
from domain.user import User
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import a_new_session, a_stored_session, a_stored_user, a_user

LOG_IN = Act(action=Action.LOGIN, by=Agent.USER, origin=Origin(user_agent="curl/8"))


@pytest.fixture
async def user(storage: Storage) -> User:
    return await a_stored_user(storage.store)


async def _log_in(storage: Storage, user: User, *, most: int, rival: int = 0) -> Session:
    async with (storage.another if rival % 2 else storage.store).begin() as work:
        opened = await work.sessions.open(a_new_session(user))
        assert opened is not None
        await work.sessions.end_oldest_of(user.id, opened=opened.session.id, most=most)
        await work.commit()
    await asyncio.sleep(0.002)  # the next one has a later id
    return opened.session


async def _open_alone(storage: Storage, new: NewSession, *, most: int, rival: int = 0) -> Opened | None:
    """By one statement, which SQLite has not."""
    store = storage.another if rival % 2 else storage.store
    return await store.live.open_session(new, most=most, act=LOG_IN)


async def _live(storage: Storage, user: User) -> list[Session]:
    return list(await storage.another.live.list_live_sessions(user.id, before=None, limit=1000))


async def test_one_too_many_ends_the_oldest(storage: Storage, user: User) -> None:
    opened = [await _log_in(storage, user, most=3) for _ in range(5)]

    assert await _live(storage, user) == opened[:1:-1]
    ended = await storage.another.live.list_ended_sessions(user.id, before=None, limit=10)
    assert [(session.id, session.end_reason) for session in ended] == [
        (session.id, EndReason.SESSION_LIMIT) for session in opened[1::-1]
    ]


async def test_what_the_limit_ended_is_told(storage: Storage, user: User) -> None:
    oldest = await _log_in(storage, user, most=1)

    async with storage.store.begin() as work:
        opened = await work.sessions.open(a_new_session(user))
        assert opened is not None
        [ended] = await work.sessions.end_oldest_of(user.id, opened=opened.session.id, most=1)
        await work.commit()

    assert (ended.id, ended.access_until) == (oldest.id, oldest.access_until)


async def test_a_lower_limit_ends_as_many_as_it_takes(storage: Storage, user: User) -> None:
    for _ in range(4):
        await _log_in(storage, user, most=10)

    newest = await _log_in(storage, user, most=1)

    assert await _live(storage, user) == [newest]


async def test_sessions_that_are_over_and_those_of_others_do_not_count(storage: Storage, user: User) -> None:
    other = await a_stored_user(storage.store, a_user("other"))
    theirs, _ = await a_stored_session(storage.store, other)
    await _log_in(storage, user, most=2)
    await storage.age(LIFETIMES.idle + timedelta(seconds=1))
    live = await _log_in(storage, user, most=2)
    over = await _log_in(storage, user, most=2)
    await storage.store.live.end_session(over.id, reason=EndReason.LOGOUT)

    newest = await _log_in(storage, user, most=2)

    assert await _live(storage, user) == [newest, live]
    async with storage.another.begin() as work:
        found = await work.sessions.get(theirs.id)
    assert found is not None
    assert found.ended_at is None


async def test_what_was_not_committed_ended_nothing(storage: Storage, user: User) -> None:
    oldest = await _log_in(storage, user, most=1)

    async with storage.store.begin() as work:
        opened = await work.sessions.open(a_new_session(user))
        assert opened is not None
        await work.sessions.end_oldest_of(user.id, opened=opened.session.id, most=1)

    assert await _live(storage, user) == [oldest]


async def test_of_twenty_rivals_who_log_in_all_open_and_as_many_live_as_may(storage: Storage, user: User) -> None:
    opened = await asyncio.gather(*(_log_in(storage, user, most=5, rival=rival) for rival in range(20)))

    assert len({session.id for session in opened}) == 20
    assert len(await _live(storage, user)) == 5


async def test_one_statement_opens_and_enters_what_a_work_would(storage: Storage, user: User) -> None:
    new = a_new_session(user)
    opened = await _open_alone(storage, new, most=100)

    async with storage.another.begin() as work:
        entries = [one.entry for one in await work.audit.find(Wanted(), limit=10)]
    if opened is None:  # as `open` in a work then does, in the other tests
        assert (await _live(storage, user), entries) == ([], [])
        return
    assert await _live(storage, user) == [opened.session]
    assert (opened.session.id, opened.session.secret_digest, opened.session.counter) == (new.id, new.secret_digest, 0)
    assert [(entry.action, entry.user_id, entry.session_id) for entry in entries] == [(Action.LOGIN, user.id, new.id)]


async def test_one_statement_opens_nothing_for_a_password_of_before(storage: Storage, user: User) -> None:
    before = replace(a_new_session(user), generation=user.generation + 1)

    assert await _open_alone(storage, before, most=100) is None
    assert await _live(storage, user) == []


async def test_one_statement_opens_nothing_where_another_session_would_have_to_end(storage: Storage, user: User) -> None:
    oldest = await _log_in(storage, user, most=1)

    assert await _open_alone(storage, a_new_session(user), most=1) is None
    assert await _live(storage, user) == [oldest]


async def test_of_rivals_of_whom_some_open_by_one_statement_as_many_live_as_may(storage: Storage, user: User) -> None:
    async def log_in(rival: int) -> None:
        if await _open_alone(storage, a_new_session(user), most=56, rival=rival) is None:
            await _log_in(storage, user, most=56, rival=rival)

    for first in range(0, 70, 14):
        await asyncio.gather(*(log_in(rival) for rival in range(first, first + 14)))

    assert len(await _live(storage, user)) == 56
