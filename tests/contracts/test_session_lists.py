import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from application.ports.unit_of_work import Store
from domain.session import EndReason, Session
from domain.user import User
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_stored_session, a_stored_user, a_token, a_user


@pytest.fixture
async def user(storage: Storage) -> User:
    return await a_stored_user(storage.store)


async def _open(store: Store, user: User, how_many: int) -> list[Session]:
    """As they are listed: the newest first, to the millisecond that their ids begin with."""
    opened = [(await a_stored_session(store, user))[0] for _ in range(how_many)]
    return sorted(opened, key=lambda session: session.id, reverse=True)


async def _live(storage: Storage, user: User, limit: int = 100) -> Sequence[Session]:
    return await storage.another.live.list_live_sessions(user.id, before=None, limit=limit)


async def _ended(storage: Storage, user: User, limit: int = 100) -> Sequence[Session]:
    return await storage.another.live.list_ended_sessions(user.id, before=None, limit=limit)


async def test_live_sessions_are_listed_whole_and_the_newest_first(storage: Storage, user: User) -> None:
    opened = await _open(storage.store, user, 3)

    assert await _live(storage, user) == opened
    assert await _ended(storage, user) == []


async def test_a_page_goes_on_where_the_one_before_stopped_whatever_was_opened_or_ended_meanwhile(
    storage: Storage, user: User
) -> None:
    opened = await _open(storage.store, user, 5)
    first = await _live(storage, user, limit=2)
    await storage.store.live.end_session(first[-1].id, reason=EndReason.LOGOUT)
    await asyncio.sleep(0.002)  # a later id
    await _open(storage.store, user, 1)

    rest = await storage.another.live.list_live_sessions(user.id, before=first[-1].id, limit=100)

    assert [*first, *rest] == opened


async def test_nobody_sees_the_sessions_of_others(storage: Storage, user: User) -> None:
    other = await a_stored_user(storage.store, a_user("other"))
    theirs = await _open(storage.store, other, 2)
    await storage.store.live.end_session(theirs[0].id, reason=EndReason.LOGOUT)

    assert await _live(storage, user) == await _ended(storage, user) == []
    assert await storage.another.live.list_live_sessions(user.id, before=theirs[0].id, limit=100) == []


async def test_what_was_ended_moves_to_the_other_list_with_its_reason(storage: Storage, user: User) -> None:
    newest, oldest = await _open(storage.store, user, 2)
    await storage.store.live.end_session(oldest.id, reason=EndReason.REVOKED)

    assert await _live(storage, user) == [newest]
    [ended] = await _ended(storage, user)
    assert (ended.id, ended.ending(LIFETIMES).reason) == (oldest.id, EndReason.REVOKED)
    assert ended.ended_at == ended.ending(LIFETIMES).at


async def test_what_has_idled_too_long_is_over_since_then(storage: Storage, user: User) -> None:
    await _open(storage.store, user, 1)
    await storage.age(LIFETIMES.idle + timedelta(hours=1))

    assert await _live(storage, user) == []
    [ended] = await _ended(storage, user)
    assert ended.ending(LIFETIMES).reason is EndReason.IDLE
    assert ended.ending(LIFETIMES).at == ended.rotated_at + LIFETIMES.idle


async def test_what_has_reached_its_absolute_end_is_over_since_then(storage: Storage, user: User) -> None:
    session, secret = await a_stored_session(storage.store, user)
    for counter in range(5):
        await storage.age(LIFETIMES.absolute / 5 - timedelta(minutes=1))
        await storage.store.live.rotate(a_token(session, secret, counter=counter), grace=LIFETIMES.grace, trace=HERE)
    await storage.age(timedelta(minutes=6))

    assert await _live(storage, user) == []
    [ended] = await _ended(storage, user)
    assert ended.ending(LIFETIMES).reason is EndReason.ABSOLUTE
    assert ended.ending(LIFETIMES).at == ended.created_at + LIFETIMES.absolute


async def test_a_locked_user_is_as_stored_and_an_unknown_one_is_not_found(storage: Storage, user: User) -> None:
    async with storage.another.begin() as work:
        assert await work.users.lock(user.id) == user
        assert await work.users.lock(a_user().id) is None
