from datetime import timedelta

import pytest

from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from domain.actor import InvalidAccessToken
from domain.username import Username
from tests.application.conftest import LIFETIMES, InMemory
from tests.examples import SECRET, a_stored_key
from tests.forge import ISSUER, Forge


async def test_the_caller_is_found_without_asking_again(portunus: InMemory) -> None:
    user = await portunus.sign_up()
    tokens = await portunus.log_in()

    actor = await portunus.authenticate(access_token=tokens.access_token)

    assert await portunus.get_current_user(actor=actor) == user


async def test_an_access_token_expires(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()
    portunus.clock.advance(LIFETIMES.access + timedelta(seconds=6))

    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=tokens.access_token)


async def test_a_refresh_token_is_refused(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()

    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=tokens.refresh_token)


async def test_disabling_a_user_holds_for_the_very_next_request(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()
    await portunus.disable_user(username=Username("johndoe"))

    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=tokens.access_token)


async def test_a_reused_refresh_token_ends_the_access_tokens_too(portunus: InMemory) -> None:
    await portunus.sign_up()
    first = await portunus.log_in()
    second = await portunus.refresh_access(refresh_token=first.refresh_token)
    third = await portunus.refresh_access(refresh_token=second.refresh_token)
    with pytest.raises(ValueError, match="Could not validate"):
        await portunus.refresh_access(refresh_token=first.refresh_token)

    for pair in (first, second, third):
        with pytest.raises(InvalidAccessToken):
            await portunus.authenticate(access_token=pair.access_token)


async def test_a_process_follows_a_change_of_the_keys_without_a_restart(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()
    before = (await portunus.publish_key_set()).keys
    await a_stored_key(portunus.store, await portunus.key_ring.make(at=portunus.clock.now()))

    await portunus.authenticate(access_token=tokens.access_token)

    assert (await portunus.publish_key_set()).keys != before


async def test_a_token_of_a_key_made_elsewhere_a_moment_ago_is_good(portunus: InMemory) -> None:
    await portunus.sign_up()
    session = (await portunus.authenticate(access_token=(await portunus.log_in()).access_token)).session
    elsewhere = KeyRing(portunus.store, SecretKey.parse(SECRET), portunus.events, portunus.clock)
    await a_stored_key(portunus.store, await elsewhere.make(at=portunus.clock.now()))
    forge = Forge(
        key=await elsewhere.signing(), now=portunus.clock.now, user_id=session.user_id, session_id=session.id, issuer=ISSUER
    )

    assert (await portunus.authenticate(access_token=forge.make())).session == session
