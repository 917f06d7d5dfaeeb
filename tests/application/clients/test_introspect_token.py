from datetime import datetime, timedelta

import pytest

from application.clients.introspect_token import IntrospectToken
from application.keys.compromise_signing_key import CompromiseSigningKey
from domain.client import Client, ClientId, ClientSecret
from domain.introspection import ActiveToken
from tests.application.conftest import KEY_POLICY, LIFETIMES, InMemory

LEEWAY = timedelta(seconds=5)
A_SECOND = timedelta(seconds=1)


async def introspect(portunus: InMemory, token: str) -> ActiveToken | None:
    introspect_token = IntrospectToken(
        store=portunus.store,
        access_tokens=portunus.authenticate.access_tokens,
        refresh_tokens=portunus.refresh_access.refresh_tokens,
        lifetimes=LIFETIMES,
    )
    billing = Client(id=ClientId("billing"), secret_digest=ClientSecret("x").digest, registered_at=portunus.clock.now())
    return await introspect_token(client=billing, token=token)


async def test_an_access_token_is_active_until_it_expires_and_its_refresh_token_longer(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()
    fresh = await introspect(portunus, tokens.access_token)

    portunus.clock.advance(LIFETIMES.access + LEEWAY)

    assert fresh is not None
    assert await introspect(portunus, tokens.access_token) is None
    assert await introspect(portunus, tokens.refresh_token) is not None


@pytest.mark.parametrize("over", ["idle", "absolute"])
async def test_a_refresh_token_is_active_until_exactly_what_was_told(portunus: InMemory, over: str) -> None:
    await portunus.sign_up()
    token = (await portunus.log_in()).refresh_token
    if over == "absolute":
        while portunus.clock.now() < (await _expires_at(portunus, token)) - LIFETIMES.idle / 2:
            portunus.clock.advance(LIFETIMES.idle / 2)
            token = (await portunus.refresh_access(refresh_token=token)).refresh_token
    told = await _expires_at(portunus, token)

    portunus.clock.advance(told - portunus.clock.now() - A_SECOND)
    just_before = await introspect(portunus, token)
    portunus.clock.advance(A_SECOND)

    assert just_before is not None
    assert await introspect(portunus, token) is None


async def test_a_token_of_a_key_that_was_compromised_is_not_active(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()
    [kid] = [key.kid for key in (await portunus.store.live.read_key_ring()).keys if key.signs_from]
    compromise = CompromiseSigningKey(store=portunus.store, signing_keys=portunus.key_ring, key_policy=KEY_POLICY)

    await compromise(kid=kid)

    assert await introspect(portunus, tokens.access_token) is None
    assert await introspect(portunus, tokens.refresh_token) is not None


async def test_a_token_of_a_user_of_an_older_generation_is_not_active(portunus: InMemory) -> None:
    user = await portunus.sign_up()
    tokens = await portunus.log_in()
    await portunus.disable_user(username=user.username)
    await portunus.enable_user(username=user.username)

    assert [await introspect(portunus, token) for token in (tokens.access_token, tokens.refresh_token)] == [None, None]


async def _expires_at(portunus: InMemory, token: str) -> datetime:
    told = await introspect(portunus, token)
    assert told is not None
    return told.expires_at
