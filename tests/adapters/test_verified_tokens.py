import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from adapters.memory.store import MemoryStore
from adapters.security import verified_tokens
from adapters.security.jwt import JwtAccessTokens
from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from adapters.security.verified_tokens import VerifiedTokens
from application.ports.tokens import AccessClaims
from domain.actor import InvalidAccessToken
from domain.session import Lifetimes, SessionId
from domain.user import UserId
from tests.examples import SECRET, a_stored_key
from tests.fakes import FakeClock, RecordedEvents
from tests.forge import ISSUER, Forge

_TOKENS = st.sampled_from(["a", "b", "c"])
_GENERATIONS = st.integers(0, 4)


def _verified(number: int) -> AccessClaims:
    expires_at = datetime.fromtimestamp(number, UTC)
    user_id, session_id = UserId(UUID(int=number)), SessionId(UUID(int=number))
    return AccessClaims(user_id=user_id, session_id=session_id, ring_generation=1, expires_at=expires_at)


@given(st.lists(st.tuples(_TOKENS, _GENERATIONS, st.integers(0, 9))), _TOKENS, _GENERATIONS)
def test_what_was_kept_under_one_generation_is_never_given_under_another(
    kept: list[tuple[str, int, int]], token: str, generation: int
) -> None:
    cache, model, newest = VerifiedTokens(), dict[str, AccessClaims](), -1
    for name, of, number in kept:
        cache.put(name, _verified(number), generation=of)
        if of > newest:
            model, newest = {}, of
        if of == newest:
            model[name] = _verified(number)

    assert cache.get(token, generation=generation) == (model.get(token) if generation == newest else None)


def test_it_is_bounded_and_lets_go_of_what_nobody_has_asked_for_longest() -> None:
    cache = VerifiedTokens()
    for number in range(verified_tokens.MOST):
        cache.put(str(number), _verified(number), generation=1)
    assert cache.get("0", generation=1) == _verified(0)

    cache.put("one more", _verified(7), generation=1)

    assert len(cache) == verified_tokens.MOST
    assert cache.get("0", generation=1) == _verified(0)
    assert cache.get("1", generation=1) is None
    assert cache.get("2", generation=1) == _verified(2)


def test_tokens_themselves_are_not_in_memory() -> None:
    cache = VerifiedTokens()

    cache.put("the token itself", _verified(1), generation=1)

    assert "the token itself" not in repr(vars(cache))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(1, 600).map(lambda seconds: ("tick", seconds)), st.sampled_from([("new key", 0), ("read", 0)]))
    )
)
def test_tk09_a_cached_token_is_good_until_its_exp_and_no_longer(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_good_until_its_exp(steps))


async def _good_until_its_exp(steps: list[tuple[str, int]]) -> None:
    clock, secret = FakeClock(), SecretKey.parse(SECRET)
    store = MemoryStore(clock, Lifetimes())
    ring = KeyRing(store, secret, RecordedEvents(), clock)
    await a_stored_key(store, await ring.make(at=clock.now()))
    tokens = JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)
    token, born = Forge(key=await ring.signing(), now=clock.now).make(), clock.now()

    for step, seconds in [*steps, ("read", 0)]:
        if step == "tick":
            clock.advance(timedelta(seconds=seconds))
        elif step == "new key":
            await a_stored_key(store, await ring.make(at=clock.now()))
        stored = await store.live.read_key_ring()
        good = clock.now() < born.replace(microsecond=0) + timedelta(seconds=905)
        try:
            claims = await tokens.read(token, ring_generation=stored.generation)
        except InvalidAccessToken:
            assert not good
        else:
            assert good
            assert claims.ring_generation == stored.generation


async def test_a_forged_token_is_refused_however_often_it_comes(clock: FakeClock) -> None:
    store = MemoryStore(clock, Lifetimes())
    ring = KeyRing(store, SecretKey.parse(SECRET), RecordedEvents(), clock)
    await a_stored_key(store, await ring.make(at=clock.now()))
    tokens = JwtAccessTokens(ring, clock, issuer=ISSUER, audience=ISSUER)
    good = Forge(key=await ring.signing(), now=clock.now).make()
    bad = good[:-2] + ("AA" if good[-2:] != "AA" else "BA")

    await tokens.read(good)
    for _ in range(3):
        with pytest.raises(InvalidAccessToken):
            await tokens.read(bad)
