import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.session import EndReason, PresentedRefreshToken, Session, SessionId, SessionSecret, SessionsOfKey
from domain.user import User
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_new_session, a_stored_user, a_token

OLD, NEW = b"\x00\x01", b"\xff\xfe"


@pytest.fixture
async def user(storage: Storage) -> User:
    return await a_stored_user(storage.store)


async def _opened(storage: Storage, user: User, made_by: bytes | None) -> tuple[Session, SessionSecret]:
    secret = SessionSecret(b"s" * 32)
    async with storage.store.begin() as work:
        opened = await work.sessions.open(replace(a_new_session(user, secret), made_by=made_by))
        await work.commit()
    assert opened is not None
    return opened.session, secret


async def _rotate(storage: Storage, presented: PresentedRefreshToken, made_by: bytes | None) -> None:
    await storage.store.live.rotate(presented, grace=LIFETIMES.grace, trace=HERE, made_by=made_by)


async def _made_by(storage: Storage, id: SessionId) -> bytes | None:
    async with storage.another.begin() as work:
        found = await work.sessions.get(id)
    assert found is not None
    return found.made_by


async def _counted(storage: Storage) -> dict[bytes | None, SessionsOfKey]:
    return {counted.made_by: counted for counted in await storage.another.live.count_sessions_by_key()}


async def test_a_rotation_moves_a_session_to_the_key_of_its_newest_token(storage: Storage, user: User) -> None:
    session, secret = await _opened(storage, user, OLD)
    before = await _made_by(storage, session.id)

    await _rotate(storage, a_token(session, secret), NEW)

    assert (before, await _made_by(storage, session.id)) == (OLD, NEW)


async def test_a_repeat_by_the_same_key_leaves_it_there(storage: Storage, user: User) -> None:
    session, secret = await _opened(storage, user, OLD)

    for _ in range(3):
        await _rotate(storage, a_token(session, secret), NEW)

    assert await _made_by(storage, session.id) == NEW


@pytest.mark.parametrize("keys", [(OLD, NEW), (NEW, OLD)])
async def test_after_a_repeat_by_another_key_it_may_rest_on_either(
    storage: Storage, user: User, keys: tuple[bytes, bytes]
) -> None:
    """The client may hold the answer of either process, until it refreshes again."""
    session, secret = await _opened(storage, user, OLD)

    for key in (*keys, keys[0]):
        await _rotate(storage, a_token(session, secret), key)
    mixed = await _made_by(storage, session.id)
    await _rotate(storage, a_token(session, secret, counter=1), NEW)

    assert (mixed, await _made_by(storage, session.id)) == (None, NEW)


async def test_live_sessions_are_counted_by_key_with_when_the_last_is_over(storage: Storage, user: User) -> None:
    await _opened(storage, user, OLD)
    await storage.age(timedelta(days=1))
    newest, _ = await _opened(storage, user, OLD)
    [(other, _), (mixed, _)] = [await _opened(storage, user, key) for key in (NEW, None)]

    counted = await _counted(storage)

    assert {key: found.count for key, found in counted.items()} == {OLD: 2, NEW: 1, None: 1}
    assert [counted[OLD].over_by, counted[NEW].over_by, counted[None].over_by] == [
        session.created_at + LIFETIMES.idle for session in (newest, other, mixed)
    ]


async def test_what_is_over_does_not_count(storage: Storage, user: User) -> None:
    await _opened(storage, user, OLD)
    await storage.age(LIFETIMES.idle)
    ended, _ = await _opened(storage, user, OLD)
    await storage.store.live.end_session(ended.id, reason=EndReason.LOGOUT)

    assert await _counted(storage) == {}


async def test_while_sessions_move_none_is_counted_twice_or_not_at_all(storage: Storage, user: User) -> None:
    opened = [await _opened(storage, user, OLD) for _ in range(10)]

    async def move() -> None:
        for session, secret in opened:
            await _rotate(storage, a_token(session, secret), NEW)

    async def count() -> list[int]:
        return [sum(found.count for found in (await _counted(storage)).values()) for _ in range(10)]

    _, counts = await asyncio.gather(move(), count())

    assert counts == [10] * 10
    assert {key: found.count for key, found in (await _counted(storage)).items()} == {NEW: 10}
