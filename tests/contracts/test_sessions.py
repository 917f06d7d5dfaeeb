import asyncio
from dataclasses import replace
from datetime import timedelta

from adapters.ids import Uuid7Ids
from application.ports.unit_of_work import Store
from domain.password import PasswordHash
from domain.session import EndReason, Session
from domain.user import User
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import a_new_session, a_stored_session, a_stored_user, a_user
from tests.fakes import FakeClock


async def _open(store: Store, user: User) -> Session | None:
    async with store.begin() as work:
        session = await work.sessions.open(a_new_session(user))
        await work.commit()
    return session


async def _change(store: Store, changed: User) -> None:
    async with store.begin() as work:
        assert await work.users.lock_by_username(changed.username)
        await work.users.save(changed)
        await work.commit()


async def test_every_field_comes_back_as_it_was_stored(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    async with storage.another.begin() as work:
        assert await work.sessions.get(session.id) == session
    assert session.secret_digest == secret.digest
    assert session.counter == 0
    assert session.created_at == session.rotated_at
    assert session.created_at.utcoffset() == timedelta(0)
    assert session.access_until == session.created_at + LIFETIMES.access
    assert session.ended_at is None
    assert session.end_reason is None


async def test_an_unknown_session_is_not_found(store: Store) -> None:
    async with store.begin() as work:
        assert await work.sessions.get(Uuid7Ids().session()) is None


async def test_a_session_that_is_not_committed_was_not_opened(storage: Storage) -> None:
    user = await a_stored_user(storage.store)

    async with storage.store.begin() as work:
        session = await work.sessions.open(a_new_session(user))

    assert session is not None
    async with storage.another.begin() as work:
        assert await work.sessions.get(session.id) is None


async def test_nothing_opens_for_who_is_unknown(store: Store) -> None:
    assert await _open(store, a_user()) is None


async def test_nothing_opens_for_who_is_disabled(store: Store, clock: FakeClock) -> None:
    user = await a_stored_user(store, a_user(disabled_at=clock.now()))

    assert await _open(store, user) is None


async def test_nothing_opens_against_a_password_that_has_just_changed(store: Store) -> None:
    user = await a_stored_user(store)
    await _change(store, user.with_new_password(PasswordHash("new:other")))

    assert await _open(store, user) is None


async def test_a_session_opens_after_the_hash_was_upgraded(store: Store) -> None:
    user = await a_stored_user(store, a_user(password_hash="old:x"))
    async with store.begin() as work:
        await work.users.upgrade_password(user.id, old=user.password_hash, new=PasswordHash("new:x"))
        await work.commit()

    assert await _open(store, user) is not None


async def test_a_log_in_in_flight_over_a_change_of_password_opens_nothing(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    changing = asyncio.Event()

    async def change() -> None:
        async with storage.store.begin() as work:
            assert await work.users.lock_by_username(user.username)
            await work.users.save(user.with_new_password(PasswordHash("new:other")))
            changing.set()
            await asyncio.sleep(0.1)  # the log-in reaches the store meanwhile
            await work.commit()

    async def log_in() -> Session | None:
        await changing.wait()
        return await _open(storage.another, user)

    _, session = await asyncio.gather(change(), log_in())

    assert session is None


async def test_twenty_rivals_who_upgrade_the_hash_all_open(storage: Storage) -> None:
    user = await a_stored_user(storage.store, a_user(password_hash="old:x"))

    async def log_in(index: int) -> Session | None:
        async with (storage.store if index % 2 else storage.another).begin() as work:
            await work.users.upgrade_password(user.id, old=user.password_hash, new=PasswordHash(f"new:{index}"))
            session = await work.sessions.open(a_new_session(user))
            await work.commit()
        return session

    assert all(await asyncio.gather(*map(log_in, range(20))))


async def test_ending_all_sessions_of_a_user_leaves_those_of_others(storage: Storage) -> None:
    mine, others = await a_stored_user(storage.store), await a_stored_user(storage.store, a_user("other"))
    first, second, foreign = [(await a_stored_session(storage.store, user))[0] for user in (mine, mine, others)]

    async with storage.store.begin() as work:
        assert await work.sessions.end_all_of(mine.id, reason=EndReason.USER_DISABLED) == 2
        await work.commit()

    async with storage.another.begin() as work:
        for session in (first, second):
            ended = await work.sessions.get(session.id)
            assert ended is not None
            assert ended.ended_at is not None
            assert ended.end_reason is EndReason.USER_DISABLED
        assert await work.sessions.get(foreign.id) == foreign
        assert await work.sessions.end_all_of(mine.id, reason=EndReason.USER_DISABLED) == 0


async def test_a_live_session_and_its_user_are_found_together(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    session, _ = await a_stored_session(storage.store, user)

    actor = (await storage.another.live.authenticate(session_id=session.id, user_id=user.id)).actor

    assert actor is not None
    assert actor.user == user
    assert actor.session == session


async def test_a_session_of_somebody_else_does_not_authenticate(store: Store) -> None:
    session, _ = await a_stored_session(store)
    other = await a_stored_user(store, a_user("other"))

    assert (await store.live.authenticate(session_id=session.id, user_id=other.id)).actor is None


async def test_an_unknown_session_does_not_authenticate(store: Store) -> None:
    user = await a_stored_user(store)

    assert (await store.live.authenticate(session_id=Uuid7Ids().session(), user_id=user.id)).actor is None


async def test_an_ended_session_does_not_authenticate_and_keeps_its_first_reason(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)

    await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    await storage.store.live.end_session(session.id, reason=EndReason.USER_DISABLED)

    assert (await storage.another.live.authenticate(session_id=session.id, user_id=session.user_id)).actor is None
    async with storage.another.begin() as work:
        ended = await work.sessions.get(session.id)
    assert ended is not None
    assert ended.end_reason is EndReason.LOGOUT


async def test_ending_an_unknown_session_changes_nothing(store: Store) -> None:
    await store.live.end_session(Uuid7Ids().session(), reason=EndReason.LOGOUT)


async def test_sessions_of_who_was_disabled_do_not_authenticate(store: Store, clock: FakeClock) -> None:
    user = await a_stored_user(store)
    session, _ = await a_stored_session(store, user)
    await _change(store, replace(user, disabled_at=clock.now()))

    assert (await store.live.authenticate(session_id=session.id, user_id=user.id)).actor is None


async def test_sessions_of_an_older_generation_do_not_authenticate(store: Store) -> None:
    user = await a_stored_user(store)
    session, _ = await a_stored_session(store, user)
    await _change(store, user.with_new_password(PasswordHash("new:other")))

    assert (await store.live.authenticate(session_id=session.id, user_id=user.id)).actor is None


async def test_a_session_is_over_when_it_has_idled_too_long(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)

    await storage.age(LIFETIMES.idle - timedelta(minutes=1))
    assert (await storage.store.live.authenticate(session_id=session.id, user_id=session.user_id)).actor

    await storage.age(timedelta(minutes=2))
    assert (await storage.store.live.authenticate(session_id=session.id, user_id=session.user_id)).actor is None
