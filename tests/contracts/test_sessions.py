import asyncio
from dataclasses import replace
from datetime import timedelta

from adapters.ids import Uuid7Ids
from application.ports.unit_of_work import Store
from domain.origin import Device, DeviceKind
from domain.password import PasswordHash
from domain.session import Advanced, AuthenticationMethod, EndedSession, EndReason, NewSession, Opened, Session
from domain.user import User
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_new_session, a_stored_session, a_stored_user, a_token, a_user
from tests.fakes import FakeClock


async def _open(store: Store, user: User, new: NewSession | None = None) -> Session | None:
    async with store.begin() as work:
        opened = await work.sessions.open(new or a_new_session(user))
        await work.commit()
    return opened.session if opened else None


def _as_ended(session: Session) -> EndedSession:
    return EndedSession(id=session.id, access_until=session.access_until)


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
    assert session.authenticated_by is AuthenticationMethod.PASSWORD
    assert session.device == Device(browser="Firefox", system="Linux", kind=DeviceKind.DESKTOP)
    assert session.network == "203.0.113.0/24"
    assert session.seen_at is None


async def test_a_session_of_an_unknown_device_at_no_address_opens(storage: Storage) -> None:
    user = await a_stored_user(storage.store)

    session = await _open(storage.store, user, replace(a_new_session(user), device=Device(), network=None))

    assert session is not None
    async with storage.another.begin() as work:
        assert await work.sessions.get(session.id) == session
    assert (session.device, session.network) == (Device(), None)


async def test_an_unknown_session_is_not_found(store: Store) -> None:
    async with store.begin() as work:
        assert await work.sessions.get(Uuid7Ids().session()) is None


async def test_a_session_that_is_not_committed_was_not_opened(storage: Storage) -> None:
    user = await a_stored_user(storage.store)

    async with storage.store.begin() as work:
        opened = await work.sessions.open(a_new_session(user))

    assert opened is not None
    async with storage.another.begin() as work:
        assert await work.sessions.get(opened.session.id) is None


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

    async def log_in(index: int) -> Opened | None:
        async with (storage.store if index % 2 else storage.another).begin() as work:
            await work.users.upgrade_password(user.id, old=user.password_hash, new=PasswordHash(f"new:{index}"))
            opened = await work.sessions.open(a_new_session(user))
            await work.commit()
        return opened

    assert all(await asyncio.gather(*map(log_in, range(20))))


async def test_ending_all_sessions_of_a_user_leaves_those_of_others(storage: Storage) -> None:
    mine, others = await a_stored_user(storage.store), await a_stored_user(storage.store, a_user("other"))
    first, second, foreign = [(await a_stored_session(storage.store, user))[0] for user in (mine, mine, others)]

    async with storage.store.begin() as work:
        ended = await work.sessions.end_all_of(mine.id, reason=EndReason.USER_DISABLED)
        await work.commit()

    assert sorted(ended, key=str) == sorted(map(_as_ended, (first, second)), key=str)

    async with storage.another.begin() as work:
        for session in (first, second):
            found = await work.sessions.get(session.id)
            assert found is not None
            assert found.ended_at is not None
            assert found.end_reason is EndReason.USER_DISABLED
        assert await work.sessions.get(foreign.id) == foreign
        assert await work.sessions.end_all_of(mine.id, reason=EndReason.USER_DISABLED) == []


async def test_ending_all_but_one_spares_that_one(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    spared, other = [(await a_stored_session(storage.store, user))[0] for _ in range(2)]

    async with storage.store.begin() as work:
        ended = await work.sessions.end_all_of(user.id, reason=EndReason.REVOKED, spared=spared.id)
        await work.commit()

    assert ended == [_as_ended(other)]
    async with storage.another.begin() as work:
        assert await work.sessions.get(spared.id) == spared


async def test_what_was_ended_without_a_commit_lives(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)

    async with storage.store.begin() as work:
        assert await work.sessions.end_all_of(session.user_id, reason=EndReason.REVOKED)

    async with storage.another.begin() as work:
        assert await work.sessions.get(session.id) == session


async def test_what_ended_is_told_with_the_time_that_its_newest_access_token_is_good_until(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    sessions = [await a_stored_session(storage.store, user) for _ in range(2)]
    await storage.age(timedelta(minutes=5))
    advanced = [
        await storage.store.live.rotate(a_token(session, secret), grace=LIFETIMES.grace, trace=HERE)
        for session, secret in sessions
    ]
    newest = [_as_ended(outcome.session) for outcome in advanced if isinstance(outcome, Advanced)]

    one = await storage.store.live.end_session(newest[0].id, reason=EndReason.REVOKED)
    async with storage.store.begin() as work:
        rest = await work.sessions.end_all_of(user.id, reason=EndReason.REVOKED)
        await work.commit()

    assert [one, *rest] == newest


async def test_a_session_of_somebody_else_is_not_ended(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    other = await a_stored_user(storage.store, a_user("other"))

    assert await storage.store.live.end_session(session.id, reason=EndReason.REVOKED, user_id=other.id) is None

    async with storage.another.begin() as work:
        assert await work.sessions.get(session.id) == session
    assert await storage.store.live.end_session(session.id, reason=EndReason.REVOKED, user_id=session.user_id)


async def test_of_many_who_end_one_session_one_did(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    stores = (storage.store, storage.another)

    ended = await asyncio.gather(
        *(stores[rival % 2].live.end_session(session.id, reason=EndReason.LOGOUT) for rival in range(20))
    )

    assert sorted(ended, key=str) == sorted([_as_ended(session)] + [None] * 19, key=str)


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


async def test_of_many_who_ask_at_once_each_is_told_of_the_own_session_and_nobody_of_the_past(storage: Storage) -> None:
    found = [await a_stored_session(storage.store, await a_stored_user(storage.store, a_user(f"user{at}"))) for at in range(20)]
    sessions = [session for session, _ in found]
    ended, unknown = sessions[::4], [Uuid7Ids().session() for _ in range(5)]
    live = storage.another.live
    before = [asyncio.create_task(live.authenticate(session_id=one.id, user_id=one.user_id)) for one in sessions]
    await asyncio.sleep(0)
    for one in ended:
        await storage.store.live.end_session(one.id, reason=EndReason.LOGOUT)

    asked = [live.authenticate(session_id=one.id, user_id=one.user_id) for one in sessions]
    asked += [live.authenticate(session_id=one.id, user_id=sessions[-1].user_id) for one in sessions[:-1]]
    asked += [live.authenticate(session_id=each, user_id=sessions[0].user_id) for each in unknown]
    answers = [caller.actor for caller in await asyncio.gather(*asked)]
    await asyncio.gather(*before)

    told = [actor.session.id if actor else None for actor in answers]
    assert told == [None if one in ended else one.id for one in sessions] + [None] * (len(sessions) - 1 + len(unknown))


async def test_an_ended_session_does_not_authenticate_and_keeps_its_first_reason(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)

    assert await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT) == _as_ended(session)
    assert await storage.store.live.end_session(session.id, reason=EndReason.USER_DISABLED) is None

    assert (await storage.another.live.authenticate(session_id=session.id, user_id=session.user_id)).actor is None
    async with storage.another.begin() as work:
        ended = await work.sessions.get(session.id)
    assert ended is not None
    assert ended.end_reason is EndReason.LOGOUT


async def test_ending_an_unknown_session_changes_nothing(store: Store) -> None:
    assert await store.live.end_session(Uuid7Ids().session(), reason=EndReason.LOGOUT) is None


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
