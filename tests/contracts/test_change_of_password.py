import asyncio

import pytest

from domain.password import PasswordHash
from domain.session import Advanced, EndReason, Opened, Session, SessionSecret, Unknown
from domain.user import User
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_new_session, a_stored_session, a_stored_user, a_token


@pytest.fixture
async def user(storage: Storage) -> User:
    return await a_stored_user(storage.store)


async def _change(storage: Storage, user: User, own: Session, *, begun: asyncio.Event | None = None) -> None:
    """As `ChangePassword` does it; where `begun` is given, rivals reach the store before the commit."""
    async with storage.store.begin() as work:
        locked = await work.users.lock(user.id)
        assert locked is not None
        changed = locked.with_new_password(PasswordHash("new:other"))
        await work.users.save(changed)
        assert await work.sessions.carry_over(own.id, generation=changed.generation)
        await work.sessions.end_all_of(user.id, reason=EndReason.PASSWORD_CHANGED, spared=own.id)
        if begun:
            begun.set()
            await asyncio.sleep(0.1)
        await work.commit()


async def _rotate(storage: Storage, session: Session, secret: SessionSecret) -> object:
    return await storage.another.live.rotate(a_token(session, secret), grace=LIFETIMES.grace, trace=HERE)


async def test_a_session_that_was_carried_over_lives_in_the_new_generation(storage: Storage, user: User) -> None:
    own, secret = await a_stored_session(storage.store, user)

    await _change(storage, user, own)

    actor = (await storage.another.live.authenticate(session_id=own.id, user_id=user.id)).actor
    assert actor is not None
    assert (actor.session.generation, actor.user.generation) == (1, 1)
    assert isinstance(await _rotate(storage, own, secret), Advanced)


async def test_a_session_that_has_ended_is_not_carried_over(storage: Storage, user: User) -> None:
    own, _ = await a_stored_session(storage.store, user)
    await storage.store.live.end_session(own.id, reason=EndReason.REVOKED)

    async with storage.store.begin() as work:
        assert not await work.sessions.carry_over(own.id, generation=1)


async def test_what_was_carried_over_without_a_commit_was_not(storage: Storage, user: User) -> None:
    own, _ = await a_stored_session(storage.store, user)

    async with storage.store.begin() as work:
        assert await work.sessions.carry_over(own.id, generation=1)

    async with storage.another.begin() as work:
        assert await work.sessions.get(own.id) == own


async def test_a_rotation_of_the_own_session_in_flight_is_not_refused(storage: Storage, user: User) -> None:
    own, secret = await a_stored_session(storage.store, user)
    begun = asyncio.Event()

    async def rotate() -> object:
        await begun.wait()
        return await _rotate(storage, own, secret)

    _, outcome = await asyncio.gather(_change(storage, user, own, begun=begun), rotate())

    assert isinstance(outcome, Advanced)
    assert outcome.session.generation == 1


async def test_pw14_a_rotation_of_another_session_in_flight_does_not_survive(storage: Storage, user: User) -> None:
    own, _ = await a_stored_session(storage.store, user)
    other, secret = await a_stored_session(storage.store, user)
    begun = asyncio.Event()

    async def rotate() -> object:
        await begun.wait()
        return await _rotate(storage, other, secret)

    _, outcome = await asyncio.gather(_change(storage, user, own, begun=begun), rotate())

    assert isinstance(outcome, Unknown)
    async with storage.another.begin() as work:
        ended = await work.sessions.get(other.id)
    assert ended is not None
    assert ended.end_reason is EndReason.PASSWORD_CHANGED


async def test_pw14_of_many_rotations_around_the_change_those_of_others_are_all_over(storage: Storage, user: User) -> None:
    own, own_secret = await a_stored_session(storage.store, user)
    others = [await a_stored_session(storage.store, user) for _ in range(5)]

    rotations = [_rotate(storage, session, secret) for session, secret in others]
    await asyncio.gather(_change(storage, user, own), *rotations, _rotate(storage, own, own_secret))

    live = await storage.another.live.list_live_sessions(user.id, before=None, limit=100)
    assert [session.id for session in live] == [own.id]
    assert live[0].counter == 1


async def test_pw14_a_log_in_in_flight_with_the_old_password_opens_nothing(storage: Storage, user: User) -> None:
    own, _ = await a_stored_session(storage.store, user)
    begun = asyncio.Event()

    async def log_in() -> Opened | None:
        await begun.wait()
        async with storage.another.begin() as work:
            opened = await work.sessions.open(a_new_session(user))
            await work.commit()
        return opened

    _, opened = await asyncio.gather(_change(storage, user, own, begun=begun), log_in())

    assert opened is None
