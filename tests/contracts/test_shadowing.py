import asyncio
from datetime import timedelta

from domain.origin import Trace
from domain.session import (
    STRAYS_OF_A_SHADOW,
    Advanced,
    EndReason,
    Repeated,
    RotationOutcome,
    Session,
    SessionSecret,
    Shadowed,
    Unknown,
)
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_stored_session, a_stored_user, a_token

ELSEWHERE = Trace(network="198.51.100.0/24", digests=(b"thief---",))


async def _use(
    storage: Storage, session: Session, secret: SessionSecret, *, counter: int, trace: Trace = HERE, rival: int = 0
) -> RotationOutcome:
    store = storage.another if rival % 2 else storage.store
    return await store.live.rotate(a_token(session, secret, counter=counter), grace=LIFETIMES.grace, trace=trace)


async def _stored(storage: Storage, session: Session) -> Session:
    async with storage.another.begin() as work:  # a new connection
        found = await work.sessions.get(session.id)
    assert found is not None
    return found


async def test_a_rotation_remembers_where_it_came_from(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    await _use(storage, session, secret, counter=0, trace=ELSEWHERE)

    stored = await _stored(storage, session)
    assert stored.network == ELSEWHERE.network
    assert stored.rotated_from == ELSEWHERE.digests[0]
    assert (stored.strayed, stored.strays) == (False, 0)


async def test_a_repeat_from_elsewhere_is_answered_alike_and_counts_once(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    advanced = await _use(storage, session, secret, counter=0)
    assert isinstance(advanced, Advanced)

    outcomes = [await _use(storage, session, secret, counter=0, trace=ELSEWHERE) for _ in range(5)]

    stored = await _stored(storage, session)
    assert outcomes == [Repeated(stored)] * 5
    assert (stored.counter, stored.rotated_at) == (advanced.session.counter, advanced.session.rotated_at)
    assert stored.rotated_from == HERE.digests[0]
    assert (stored.strayed, stored.strays) == (True, 1)


async def test_a_thief_who_follows_from_elsewhere_is_found_at_the_third_rotation(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    outcomes = []

    for counter in range(STRAYS_OF_A_SHADOW):
        await _use(storage, session, secret, counter=counter)
        outcomes.append(type(await _use(storage, session, secret, counter=counter, trace=ELSEWHERE)))

    ended = await _stored(storage, session)
    assert outcomes == [Repeated, Repeated, Shadowed]
    assert ended.end_reason is EndReason.SHADOWED
    assert ended.ended_at is not None
    assert ended.counter == 3


async def test_a_thief_who_is_first_each_time_is_found_as_well(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    outcomes = []

    for counter in range(STRAYS_OF_A_SHADOW):
        await _use(storage, session, secret, counter=counter, trace=ELSEWHERE)
        outcomes.append(type(await _use(storage, session, secret, counter=counter)))

    assert outcomes == [Repeated, Repeated, Shadowed]


async def test_after_a_shadow_neither_has_a_token_that_works_and_other_sessions_do(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    session, secret = await a_stored_session(storage.store, user)
    other, other_secret = await a_stored_session(storage.store, user)
    for counter in range(STRAYS_OF_A_SHADOW):
        for trace in (HERE, ELSEWHERE):
            await _use(storage, session, secret, counter=counter, trace=trace)

    for trace in (HERE, ELSEWHERE):
        for counter in (2, 3):
            assert isinstance(await _use(storage, session, secret, counter=counter, trace=trace), Unknown)

    assert (await storage.store.live.authenticate(session_id=session.id, user_id=user.id)).actor is None
    assert isinstance(await _use(storage, other, other_secret, counter=0), Advanced)


async def test_a_rotation_that_nobody_repeats_from_elsewhere_makes_the_count_start_anew(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    outcomes = []

    for counter in range(30):
        await _use(storage, session, secret, counter=counter)
        if counter % STRAYS_OF_A_SHADOW:  # twice in three
            outcomes.append(type(await _use(storage, session, secret, counter=counter, trace=ELSEWHERE)))

    assert outcomes == [Repeated] * 20
    assert (await _stored(storage, session)).end_reason is None


async def test_one_origin_is_one_to_two_processes_while_the_secret_is_replaced(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    one = Trace(network=None, digests=(b"older---", b"newer---"))
    other = Trace(network=None, digests=(b"newer---", b"older---"))

    for counter in range(10):
        first, second = (one, other) if counter % 2 else (other, one)
        await _use(storage, session, secret, counter=counter, trace=first)
        assert isinstance(await _use(storage, session, secret, counter=counter, trace=second), Repeated)

    assert (await _stored(storage, session)).strays == 0


async def test_a_parent_after_the_window_is_reuse_wherever_it_comes_from(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await _use(storage, session, secret, counter=0)
    await storage.age(LIFETIMES.grace + timedelta(seconds=1))

    await _use(storage, session, secret, counter=0, trace=ELSEWHERE)

    stored = await _stored(storage, session)
    assert stored.end_reason is EndReason.REFRESH_REUSE
    assert (stored.strayed, stored.strays) == (False, 0)


async def test_two_tabs_that_race_fifty_times_are_never_ended(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)

    for counter in range(50):
        outcomes = await asyncio.gather(*(_use(storage, session, secret, counter=counter, rival=tab) for tab in range(2)))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Advanced", "Repeated"]

    stored = await _stored(storage, session)
    assert (stored.counter, stored.strays, stored.end_reason) == (50, 0, None)


async def test_a_phone_that_changes_networks_is_never_ended(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    places = [Trace(network=None, digests=(place.to_bytes(8),)) for place in range(4)]

    for counter in range(50):
        outcomes = [await _use(storage, session, secret, counter=counter, trace=places[counter % 4])]
        if counter % 5 == 0:  # the answer is lost on the way from one network into the next
            outcomes += await asyncio.gather(
                *(_use(storage, session, secret, counter=counter, trace=places[rival], rival=rival) for rival in (2, 3))
            )

        assert all(isinstance(outcome, (Advanced, Repeated)) for outcome in outcomes)

    assert (await _stored(storage, session)).end_reason is None


async def test_of_a_thief_and_a_user_who_race_the_third_rotation_ends_the_session_once(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    outcomes: list[str] = []

    for counter in range(STRAYS_OF_A_SHADOW):
        rivals = [
            _use(storage, session, secret, counter=counter, trace=trace, rival=rival)
            for rival, trace in enumerate((HERE, ELSEWHERE) * 10)
        ]
        outcomes += [type(outcome).__name__ for outcome in await asyncio.gather(*rivals)]

    assert outcomes.count("Advanced") == 3
    assert outcomes.count("Shadowed") == 1
    assert "Reused" not in outcomes
    assert (await _stored(storage, session)).end_reason is EndReason.SHADOWED
