import asyncio
from dataclasses import replace

import pytest

from domain.password import PasswordHash, PlainPassword
from domain.turn import Turn
from domain.user import InvalidCredentials
from domain.username import Username
from tests.application.conftest import LIFETIMES, InMemory
from tests.examples import PASSWORD, a_stored_user, a_user


async def test_the_tokens_are_good_for_the_user_who_logged_in(portunus: InMemory) -> None:
    user = await portunus.sign_up()

    tokens = await portunus.log_in("JohnDoe")

    actor = await portunus.authenticate(access_token=tokens.access_token)
    assert actor.user == user
    assert tokens.expires_in == LIFETIMES.access
    await portunus.refresh_access(refresh_token=tokens.refresh_token)


async def test_each_log_in_opens_a_session_of_its_own(portunus: InMemory) -> None:
    await portunus.sign_up()

    first, second = await portunus.log_in(), await portunus.log_in()

    assert first.access_token != second.access_token
    assert first.refresh_token != second.refresh_token
    sessions = {(await portunus.authenticate(access_token=pair.access_token)).session.id for pair in (first, second)}
    assert len(sessions) == 2


@pytest.mark.parametrize("identifier", ["nobody", "johndoe@example.com", "", "no such name!", "JOHNDOE ", "K" * 65])
async def test_a_wrong_name_or_password_is_refused_after_one_comparison(portunus: InMemory, identifier: str) -> None:
    await portunus.sign_up()
    before = portunus.hasher.comparisons

    with pytest.raises(InvalidCredentials):
        await portunus.log_in(identifier, "not the password of anyone")

    assert portunus.hasher.comparisons == before + 1


async def test_an_address_that_is_not_verified_is_no_name_to_log_in_by(portunus: InMemory) -> None:
    await portunus.sign_up()

    with pytest.raises(InvalidCredentials):
        await portunus.log_in("johndoe@example.com")


async def test_who_is_disabled_is_refused_after_one_comparison(portunus: InMemory) -> None:
    await portunus.sign_up()
    await portunus.disable_user(username=Username("johndoe"))
    before = portunus.hasher.comparisons

    with pytest.raises(InvalidCredentials):
        await portunus.log_in()

    assert portunus.hasher.comparisons == before + 1


async def test_a_corrupt_hash_is_a_wrong_password(portunus: InMemory) -> None:
    await a_stored_user(portunus.store, a_user(password_hash="x"))

    with pytest.raises(InvalidCredentials):
        await portunus.log_in()


async def test_a_password_changed_while_it_was_being_verified_opens_nothing(portunus: InMemory) -> None:
    user = await portunus.sign_up()
    verify = portunus.login.hasher.verify

    class ChangesMeanwhile(type(portunus.hasher)):  # type: ignore[misc]
        async def verify(self, password: PlainPassword, against: PasswordHash | None, *, turn: Turn) -> bool:
            del turn
            async with portunus.store.begin() as work:
                await work.users.save(user.with_new_password(PasswordHash("new:other")))
                await work.commit()
            return await verify(password, against)

    login = replace(portunus.login, hasher=ChangesMeanwhile())

    with pytest.raises(InvalidCredentials):
        await login(identifier="johndoe", password=PlainPassword.parse(PASSWORD))


async def test_an_upgrade_that_a_rival_made_first_does_not_fail_the_log_in(portunus: InMemory) -> None:
    await a_stored_user(portunus.store, a_user(password_hash=f"old:{PASSWORD}"))

    tokens = await asyncio.gather(*(portunus.log_in() for _ in range(20)))

    assert len({pair.refresh_token for pair in tokens}) == 20
    for pair in tokens:
        await portunus.authenticate(access_token=pair.access_token)
