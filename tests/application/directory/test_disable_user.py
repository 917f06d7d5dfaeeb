import pytest

from domain.actor import InvalidAccessToken
from domain.session import EndReason
from domain.user import UserUnknown
from domain.username import Username
from tests.application.conftest import InMemory

NAME = Username("johndoe")


async def test_disabling_ends_the_sessions_and_says_why(portunus: InMemory) -> None:
    await portunus.sign_up()
    session = (await portunus.authenticate(access_token=(await portunus.log_in()).access_token)).session

    await portunus.disable_user(username=NAME)

    async with portunus.store.begin() as work:
        ended = await work.sessions.get(session.id)
    assert ended is not None
    assert ended.end_reason is EndReason.USER_DISABLED


async def test_the_first_disabling_is_the_one_remembered(portunus: InMemory) -> None:
    await portunus.sign_up()
    first = await portunus.disable_user(username=NAME)
    portunus.clock.advance(first.registered_at - first.registered_at.replace(hour=0))

    assert await portunus.disable_user(username=NAME) == first


async def test_enabling_lets_the_user_in_again_and_revives_no_session(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()
    await portunus.disable_user(username=NAME)

    await portunus.enable_user(username=NAME)

    await portunus.log_in()
    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=tokens.access_token)


async def test_who_is_unknown_cannot_be_disabled_or_enabled(portunus: InMemory) -> None:
    with pytest.raises(UserUnknown):
        await portunus.disable_user(username=NAME)
    with pytest.raises(UserUnknown):
        await portunus.enable_user(username=NAME)
