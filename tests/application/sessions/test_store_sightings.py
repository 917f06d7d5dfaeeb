from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from adapters.sightings import GatheredSightings
from application.ports.unit_of_work import StoreUnavailable
from application.sessions.store_sightings import MOST_AT_ONCE, StoreSightings
from domain.actor import InvalidAccessToken
from domain.session import SEEN_EVERY, EndReason, TokenPair
from tests.application.conftest import LIFETIMES, InMemory
from tests.examples import a_stored_session, a_stored_user


@pytest.fixture
async def mine(portunus: InMemory) -> TokenPair:
    await portunus.sign_up()
    return await portunus.log_in()


async def test_a_request_is_seen_in_the_list_once_it_is_stored_and_not_before(portunus: InMemory, mine: TokenPair) -> None:
    portunus.clock.advance(timedelta(minutes=5))
    actor = await portunus.authenticate(access_token=mine.access_token)
    [before] = (await portunus.list_sessions(actor=actor, limit=10)).sessions

    await portunus.store_sightings()

    [after] = (await portunus.list_sessions(actor=actor, limit=10)).sessions
    assert before.last_seen_at == before.created_at
    assert after.last_seen_at == portunus.clock.now()
    assert (after.rotated_at, after.access_until) == (before.rotated_at, before.access_until)


@pytest.mark.parametrize("first", [1, 30, 59, 60])
async def test_it_is_right_to_two_minutes_and_written_once_a_minute(portunus: InMemory, mine: TokenPair, first: int) -> None:
    """Of a session that is used every second, and of which its process tells once a minute."""
    actor = await portunus.authenticate(access_token=mine.access_token)
    off, written = [], list[datetime]()

    for second in range(600):
        portunus.clock.advance(timedelta(seconds=1))
        await portunus.authenticate(access_token=mine.access_token)
        if second % 60 == first % 60:
            await portunus.store_sightings()
        [session] = (await portunus.list_sessions(actor=actor, limit=10)).sessions
        off.append(portunus.clock.now() - session.last_seen_at)
        if session.last_seen_at not in written:
            written.append(session.last_seen_at)

    assert max(off) <= 2 * SEEN_EVERY
    assert min(later - earlier for earlier, later in pairwise(written)) >= SEEN_EVERY


async def test_a_request_that_is_refused_is_no_sighting(portunus: InMemory, mine: TokenPair) -> None:
    session_id = (await portunus.authenticate(access_token=mine.access_token)).session.id
    await portunus.store_sightings()
    await portunus.store.live.end_session(session_id, reason=EndReason.LOGOUT)
    portunus.clock.advance(timedelta(minutes=5))

    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=mine.access_token)
    await portunus.store_sightings()

    async with portunus.store.begin() as work:
        stored = await work.sessions.get(session_id)
    assert stored
    assert stored.seen_at is None


async def test_being_seen_does_not_prolong_a_session(portunus: InMemory, mine: TokenPair) -> None:
    portunus.clock.advance(timedelta(minutes=14))
    await portunus.authenticate(access_token=mine.access_token)
    await portunus.store_sightings()

    portunus.clock.advance(LIFETIMES.idle - timedelta(minutes=14))

    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=mine.access_token)


async def test_all_are_stored_whose_number_does_not_fit_one_statement(portunus: InMemory) -> None:
    user = await a_stored_user(portunus.store)
    sightings = GatheredSightings()
    for _ in range(MOST_AT_ONCE + 1):
        sightings.note((await a_stored_session(portunus.store, user))[0].id)
    portunus.clock.advance(SEEN_EVERY)

    await StoreSightings(store=portunus.store, sightings=sightings)()

    listed = await portunus.store.live.list_live_sessions(user.id, before=None, limit=MOST_AT_ONCE + 1)
    assert {session.seen_at for session in listed} == {portunus.clock.now()}


class Away:
    """A store that is not there."""

    def __init__(self, portunus: InMemory) -> None:
        self.require_ready = portunus.store.require_ready
        self.close = portunus.store.close
        self.begin = portunus.store.begin

    @property
    def live(self) -> None:
        raise StoreUnavailable


async def test_what_cannot_be_stored_is_forgotten_and_not_told_at_a_wrong_time(portunus: InMemory, mine: TokenPair) -> None:
    sightings = GatheredSightings()
    actor = await portunus.authenticate(access_token=mine.access_token)
    sightings.note(actor.session.id)
    with pytest.raises(StoreUnavailable):
        await StoreSightings(store=Away(portunus), sightings=sightings)()  # type: ignore[arg-type]  # its live raises
    portunus.clock.advance(timedelta(minutes=5))

    await StoreSightings(store=portunus.store, sightings=sightings)()

    [shown] = (await portunus.list_sessions(actor=actor, limit=10)).sessions
    assert shown.seen_at is None
