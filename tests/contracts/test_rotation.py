import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from adapters.ids import Uuid7Ids
from application.ports.unit_of_work import Store
from domain.origin import Trace
from domain.password import PasswordHash
from domain.session import (
    Advanced,
    Ahead,
    EndReason,
    Repeated,
    Reused,
    RotationOutcome,
    Session,
    SessionSecret,
    Unknown,
)
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_stored_session, a_stored_user, a_token, a_user
from tests.fakes import FakeClock

GRACE = LIFETIMES.grace
Asked = tuple[Awaitable[Any], Sequence[type]]  # and what is to be told, one or several


async def _stored(storage: Storage, session: Session) -> Session:
    async with storage.another.begin() as work:  # a new connection
        found = await work.sessions.get(session.id)
    assert found is not None
    return found


async def _rotate(
    store: Store, session: Session, secret: SessionSecret, *, counter: int, trace: Trace = HERE
) -> RotationOutcome:
    return await store.live.rotate(a_token(session, secret, counter=counter), grace=GRACE, trace=trace)


async def test_the_newest_token_advances_the_session_by_one(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    outcome = await _rotate(storage.store, session, secret, counter=0)

    assert isinstance(outcome, Advanced)
    assert outcome.session.counter == 1
    assert outcome.session == await _stored(storage, session)
    assert outcome.session.access_until == outcome.session.rotated_at + LIFETIMES.access


async def test_what_is_answered_is_stored_whatever_its_connection_has_served_before(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await storage.store.live.list_users(after=None, limit=1)

    outcome = await _rotate(storage.store, session, secret, counter=0)

    assert isinstance(outcome, Advanced)
    assert outcome.session == await _stored(storage, session)


async def test_the_parent_within_the_window_gets_the_same_successor_and_changes_nothing(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    advanced = await _rotate(storage.store, session, secret, counter=0)
    assert isinstance(advanced, Advanced)

    repeated = await _rotate(storage.store, session, secret, counter=0)

    assert repeated == Repeated(advanced.session)
    assert await _stored(storage, session) == advanced.session


async def test_the_parent_after_the_window_ends_the_session(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await _rotate(storage.store, session, secret, counter=0)
    await storage.age(GRACE + timedelta(seconds=1))

    outcome = await _rotate(storage.store, session, secret, counter=0)

    assert isinstance(outcome, Reused)
    ended = await _stored(storage, session)
    assert ended.end_reason is EndReason.REFRESH_REUSE
    assert ended.ended_at is not None
    assert ended.counter == 1


async def test_rt06_repeating_does_not_extend_the_window(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await _rotate(storage.store, session, secret, counter=0)
    outcomes = []

    for _ in range(4):
        outcomes.append(type(await _rotate(storage.store, session, secret, counter=0)))
        await storage.age(GRACE * 0.3)
    outcomes.append(type(await _rotate(storage.store, session, secret, counter=0)))

    assert outcomes == [Repeated, Repeated, Repeated, Repeated, Reused]


async def test_without_a_window_the_parent_ends_the_session_at_once(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    token = a_token(session, secret)
    await storage.store.live.rotate(token, grace=timedelta(0), trace=HERE)

    assert isinstance(await storage.store.live.rotate(token, grace=timedelta(0), trace=HERE), Reused)


async def test_a_token_two_steps_back_ends_that_session_and_no_other(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    session, secret = await a_stored_session(storage.store, user)
    other, other_secret = await a_stored_session(storage.store, user)
    for counter in (0, 1):
        await _rotate(storage.store, session, secret, counter=counter)

    assert isinstance(await _rotate(storage.store, session, secret, counter=0), Reused)

    assert isinstance(await _rotate(storage.store, session, secret, counter=2), Unknown)
    assert isinstance(await _rotate(storage.store, other, other_secret, counter=0), Advanced)


async def test_an_authentic_token_ahead_of_the_store_is_accepted_and_the_store_catches_up(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    outcome = await _rotate(storage.store, session, secret, counter=5)

    assert isinstance(outcome, Ahead)
    assert outcome.session.counter == 6
    assert (await _stored(storage, session)).counter == 6
    assert isinstance(await _rotate(storage.store, session, secret, counter=6), Advanced)


async def test_rt07_a_wrong_secret_is_refused_and_changes_nothing(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)

    outcome = await _rotate(storage.store, session, SessionSecret(b"\0" * 32), counter=0)

    assert outcome == Unknown()
    assert await _stored(storage, session) == session


async def test_an_unknown_session_is_refused(store: Store) -> None:
    session, secret = await a_stored_session(store)
    stranger = replace(session, id=Uuid7Ids().session())

    assert await _rotate(store, stranger, secret, counter=0) == Unknown()


async def test_an_ended_session_is_refused_and_keeps_its_end(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    ended = await _stored(storage, session)

    for counter in (0, 3):
        assert await _rotate(storage.store, session, secret, counter=counter) == Unknown()

    assert await _stored(storage, session) == ended


@pytest.mark.parametrize("counter", [0, 4], ids=["newest", "ahead"])
async def test_a_session_that_idled_too_long_is_refused(storage: Storage, counter: int) -> None:
    session, secret = await a_stored_session(storage.store)
    await storage.age(LIFETIMES.idle + timedelta(seconds=1))
    aged = await _stored(storage, session)

    assert await _rotate(storage.store, session, secret, counter=counter) == Unknown()
    assert await _stored(storage, session) == aged


async def test_rt09_rotation_does_not_prolong_the_absolute_life(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    outcomes = []

    for counter in range(6):
        await storage.age(timedelta(days=5, hours=1))
        outcomes.append(type(await _rotate(storage.store, session, secret, counter=counter)))

    assert outcomes == [Advanced] * 5 + [Unknown]


async def test_rt10_a_disabled_user_is_refused(store: Store, clock: FakeClock) -> None:
    user = await a_stored_user(store)
    session, secret = await a_stored_session(store, user)
    async with store.begin() as work:
        await work.users.save(replace(user, disabled_at=clock.now()))
        await work.commit()

    assert await _rotate(store, session, secret, counter=0) == Unknown()


async def test_rt10_a_session_of_an_older_generation_is_refused(store: Store) -> None:
    user = await a_stored_user(store)
    session, secret = await a_stored_session(store, user)
    async with store.begin() as work:
        await work.users.save(user.with_new_password(PasswordHash("new:other")))
        await work.commit()

    assert await _rotate(store, session, secret, counter=0) == Unknown()


async def test_rt04_of_many_rivals_with_one_token_nobody_is_refused_and_one_step_is_taken(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    stores = (storage.store, storage.another)

    outcomes = await asyncio.gather(*(_rotate(stores[rival % 2], session, secret, counter=0) for rival in range(100)))

    assert sum(isinstance(outcome, Advanced) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Repeated) for outcome in outcomes) == 99
    stored = await _stored(storage, session)
    assert stored.counter == 1
    assert {outcome.session for outcome in outcomes if not isinstance(outcome, Unknown)} == {stored}


async def test_of_sessions_that_rotate_at_once_each_has_what_its_own_request_brought(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    held = [await a_stored_session(storage.store, user) for _ in range(40)]
    traces = [Trace(network=f"203.0.{number}.0/24", digests=(f"from{number:04}".encode(),)) for number in range(len(held))]

    async def rotated(turn: int) -> Sequence[RotationOutcome]:
        return await asyncio.gather(
            *(
                _rotate(storage.store, session, secret, counter=turn, trace=trace)
                for (session, secret), trace in zip(held, traces, strict=True)
            )
        )

    for turn in range(2):
        for (session, _), trace, outcome in zip(held, traces, await rotated(turn), strict=True):
            assert isinstance(outcome, Advanced)
            assert (outcome.session.id, outcome.session.counter) == (session.id, turn + 1)
            assert (outcome.session.network, outcome.session.rotated_from) == (trace.network, trace.digests[0])
            assert outcome.session == await _stored(storage, session)


async def test_tokens_of_all_kinds_that_come_at_once_are_judged_each_by_itself(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    rotate = partial(_rotate, storage.store)

    async def newest() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        return rotate(session, secret, counter=0), [Advanced]

    async def twice() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        return asyncio.gather(*(rotate(session, secret, counter=0) for _ in range(2))), [Advanced, Repeated]

    async def parent() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        await rotate(session, secret, counter=0)
        return rotate(session, secret, counter=0), [Repeated]

    async def spent() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        for counter in range(2):
            await rotate(session, secret, counter=counter)
        return rotate(session, secret, counter=0), [Reused]

    async def ahead() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        return rotate(session, secret, counter=3), [Ahead]

    async def wrong() -> Asked:
        session, _ = await a_stored_session(storage.store, user)
        return rotate(session, SessionSecret(b"?" * 32), counter=0), [Unknown]

    async def ended() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        await storage.store.live.end_session(session.id, reason=EndReason.LOGOUT)
        return rotate(session, secret, counter=0), [Unknown]

    async def nobody() -> Asked:
        session, secret = await a_stored_session(storage.store, user)
        return rotate(replace(session, id=Uuid7Ids().session()), secret, counter=0), [Unknown]

    kinds = [newest, twice, parent, spent, ahead, wrong, ended, nobody] * 5
    asked = [await kind() for kind in kinds]

    told = await asyncio.gather(*(asking for asking, _ in asked))

    for (_, expected), outcome in zip(asked, told, strict=True):
        outcomes = outcome if isinstance(outcome, list) else [outcome]
        assert sorted(type(one).__name__ for one in outcomes) == sorted(kind.__name__ for kind in expected)


async def test_of_many_rivals_with_a_spent_token_one_ends_the_session_and_all_are_refused(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    for counter in (0, 1):
        await _rotate(storage.store, session, secret, counter=counter)

    outcomes = await asyncio.gather(*(_rotate(storage.store, session, secret, counter=0) for _ in range(30)))

    assert sum(isinstance(outcome, Reused) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Unknown) for outcome in outcomes) == 29
    assert (await _stored(storage, session)).end_reason is EndReason.REFRESH_REUSE


async def test_a_log_out_among_rotations_is_the_last_word(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    async def rotate_until_refused() -> None:
        counter = 0
        while not isinstance(await _rotate(storage.store, session, secret, counter=counter), Unknown):
            counter += 1
            await asyncio.sleep(0)

    async def log_out() -> None:
        await asyncio.sleep(0.02)
        await storage.another.live.end_session(session.id, reason=EndReason.LOGOUT)

    async with asyncio.timeout(10):
        await asyncio.gather(rotate_until_refused(), log_out())

    assert (await _stored(storage, session)).end_reason is EndReason.LOGOUT


async def test_sessions_of_two_users_do_not_touch_each_other(storage: Storage) -> None:
    mine, secret = await a_stored_session(storage.store)
    theirs, _ = await a_stored_session(storage.store, await a_stored_user(storage.store, a_user("other")))

    await _rotate(storage.store, mine, secret, counter=0)

    assert await _stored(storage, theirs) == theirs
