from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.keys.compromise_signing_key import CompromiseSigningKey
from application.keys.rotate_due_signing_key import RotateDueSigningKey
from application.ports.unit_of_work import StoreUnavailable, UnderWayElsewhere
from application.upkeep.purge_expired import MOST_IN_A_BATCH, Purged, PurgeExpired
from domain.actor import InvalidAccessToken
from domain.session import EndReason, InvalidRefreshToken
from domain.signing_key import KeyState
from tests.application.conftest import KEY_POLICY, LIFETIMES, InMemory
from tests.examples import a_stored_session, a_stored_user, a_user


@pytest.fixture
def purge(portunus: InMemory) -> PurgeExpired:
    return PurgeExpired(store=portunus.store, lifetimes=LIFETIMES)


async def _purged(purge: PurgeExpired) -> Purged:
    return sum([batch async for batch in purge()], Purged())


async def test_rt16_after_the_purge_no_token_is_told_from_one_that_never_was(portunus: InMemory, purge: PurgeExpired) -> None:
    await portunus.sign_up()
    spent = await portunus.log_in()
    newest = await portunus.refresh_access(refresh_token=spent.refresh_token)
    portunus.clock.advance(LIFETIMES.absolute + LIFETIMES.kept)

    assert (await _purged(purge)).sessions == 1

    for pair in (spent, newest):
        with pytest.raises(InvalidRefreshToken):
            await portunus.refresh_access(refresh_token=pair.refresh_token)
        with pytest.raises(InvalidAccessToken):
            await portunus.authenticate(access_token=pair.access_token)
        await portunus.logout(refresh_token=pair.refresh_token)  # as of any session that is over
    assert portunus.events.all == []


async def test_what_is_kept_is_shown_and_a_user_whose_sessions_are_gone_logs_in(
    portunus: InMemory, purge: PurgeExpired
) -> None:
    await portunus.sign_up()
    await portunus.logout(access_token=(await portunus.log_in()).access_token)
    portunus.clock.advance(LIFETIMES.kept - timedelta(seconds=1))
    actor = await portunus.authenticate(access_token=(await portunus.log_in()).access_token)
    kept = await _purged(purge)
    shown = (await portunus.list_ended_sessions(actor=actor, limit=10)).sessions
    portunus.clock.advance(timedelta(seconds=1))

    assert (await _purged(purge)).sessions == 1

    assert (kept.sessions, len(shown)) == (0, 1)
    assert (await portunus.list_ended_sessions(actor=actor, limit=10)).sessions == ()
    await portunus.authenticate(access_token=(await portunus.log_in()).access_token)


async def test_rt16_it_goes_batch_by_batch_and_counts(portunus: InMemory, purge: PurgeExpired) -> None:
    user = await a_stored_user(portunus.store)
    for number in range(MOST_IN_A_BATCH + 3):
        session, _ = await a_stored_session(portunus.store, user)
        if number % 2:
            await portunus.store.live.end_session(session.id, reason=EndReason.LOGOUT)
    portunus.clock.advance(LIFETIMES.absolute + LIFETIMES.kept)

    batches = [batch async for batch in purge()]

    assert max(batch.sessions + batch.revocations for batch in batches) <= MOST_IN_A_BATCH
    assert sum(batches, Purged()) == Purged(sessions=MOST_IN_A_BATCH + 3, revocations=(MOST_IN_A_BATCH + 3) // 2)
    assert await _purged(purge) == Purged()


class Interrupted:
    """A store that goes away after some units of work, or where another process is at it."""

    def __init__(self, portunus: InMemory, *, works: int = 1000, claim: Exception | None = None) -> None:
        self.live = portunus.store.live
        self.throttle = portunus.store.throttle
        self.require_ready = portunus.store.require_ready
        self.unbounded = portunus.store.unbounded
        self.close = portunus.store.close
        self._begin = portunus.store.begin
        self._left = works
        self._claim = claim

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        if self._left == 0:
            raise StoreUnavailable
        self._left -= 1
        async with self._begin() as work:
            if self._claim:
                raise self._claim
            yield work


async def test_broken_off_it_goes_on_where_it_stopped(portunus: InMemory, purge: PurgeExpired) -> None:
    user = await a_stored_user(portunus.store, a_user("another"))
    for _ in range(MOST_IN_A_BATCH + 1):
        await a_stored_session(portunus.store, user)
    portunus.clock.advance(LIFETIMES.idle + LIFETIMES.kept)
    done = Purged()

    with pytest.raises(StoreUnavailable):
        async for batch in replace(purge, store=Interrupted(portunus, works=3))():
            done += batch

    assert done == Purged(sessions=MOST_IN_A_BATCH)
    assert await _purged(purge) == Purged(sessions=1)


async def test_while_another_process_is_at_it_nothing_is_removed(portunus: InMemory, purge: PurgeExpired) -> None:
    session, _ = await a_stored_session(portunus.store)
    portunus.clock.advance(LIFETIMES.idle + LIFETIMES.kept)

    with pytest.raises(UnderWayElsewhere):
        await _purged(replace(purge, store=Interrupted(portunus, claim=UnderWayElsewhere())))

    async with portunus.store.begin() as work:
        assert await work.sessions.get(session.id)


async def test_a_retired_key_is_kept_and_then_forgotten_and_a_compromised_one_never(
    portunus: InMemory, purge: PurgeExpired
) -> None:
    keyed: dict[str, Any] = {
        "store": portunus.store,
        "signing_keys": portunus.key_ring,
        "events": portunus.events,
        "key_policy": KEY_POLICY,
    }
    portunus.clock.advance(KEY_POLICY.signs_for)
    await RotateDueSigningKey(**keyed)()
    retiring, second, *_ = (await portunus.store.live.read_key_ring()).keys
    del keyed["events"]
    await CompromiseSigningKey(**keyed)(kid=second.kid)
    assert retiring.verifies_until
    portunus.clock.advance(retiring.verifies_until - portunus.clock.now() + LIFETIMES.kept - timedelta(seconds=1))
    kept = await _purged(purge)
    portunus.clock.advance(timedelta(seconds=1))

    gone = await _purged(purge)

    after = await portunus.store.live.read_key_ring()
    assert (kept.signing_keys, gone.signing_keys) == (0, 1)
    assert retiring.kid not in {key.kid for key in after.keys}
    assert [key.state(after.as_of) for key in after.keys if key.kid == second.kid] == [KeyState.COMPROMISED]
    await portunus.key_ring.load()
    await portunus.sign_up()
    await portunus.authenticate(access_token=(await portunus.log_in()).access_token)
