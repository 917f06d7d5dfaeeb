from datetime import timedelta

import pytest

from domain.actor import InvalidAccessToken, NotAuthenticated
from domain.session import InvalidRefreshToken, TokenPair
from tests.application.conftest import LIFETIMES, InMemory


@pytest.fixture
async def tokens(portunus: InMemory) -> TokenPair:
    await portunus.sign_up()
    return await portunus.log_in()


async def _assert_over(portunus: InMemory, tokens: TokenPair) -> None:
    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=tokens.access_token)
    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=tokens.refresh_token)


async def test_the_access_token_ends_its_session(portunus: InMemory, tokens: TokenPair) -> None:
    await portunus.logout(access_token=tokens.access_token)

    await _assert_over(portunus, tokens)


async def test_the_refresh_token_ends_its_session(portunus: InMemory, tokens: TokenPair) -> None:
    await portunus.logout(refresh_token=tokens.refresh_token)

    await _assert_over(portunus, tokens)


async def test_an_expired_access_token_will_do(portunus: InMemory, tokens: TokenPair) -> None:
    portunus.clock.advance(LIFETIMES.access * 2)

    await portunus.logout(access_token=tokens.access_token)

    await _assert_over(portunus, tokens)


async def test_a_refresh_token_that_was_rotated_away_will_do(portunus: InMemory, tokens: TokenPair) -> None:
    newest = tokens
    for _ in range(3):
        newest = await portunus.refresh_access(refresh_token=newest.refresh_token)
    portunus.clock.advance(timedelta(minutes=1))

    await portunus.logout(refresh_token=tokens.refresh_token)

    await _assert_over(portunus, newest)


async def test_a_session_that_is_over_is_no_error(portunus: InMemory, tokens: TokenPair) -> None:
    for _ in range(2):
        await portunus.logout(access_token=tokens.access_token, refresh_token=tokens.refresh_token)


async def test_the_other_sessions_of_the_user_live_on(portunus: InMemory, tokens: TokenPair) -> None:
    other = await portunus.log_in()

    await portunus.logout(access_token=tokens.access_token)

    await portunus.authenticate(access_token=other.access_token)


async def test_nothing_presented_is_refused(portunus: InMemory) -> None:
    with pytest.raises(NotAuthenticated):
        await portunus.logout()


async def test_a_forged_token_beside_a_good_one_ends_nothing(portunus: InMemory, tokens: TokenPair) -> None:
    with pytest.raises(InvalidRefreshToken):
        await portunus.logout(access_token=tokens.access_token, refresh_token="prt_" + "A" * 116)
    with pytest.raises(InvalidAccessToken):
        await portunus.logout(access_token="a.b.c", refresh_token=tokens.refresh_token)

    await portunus.authenticate(access_token=tokens.access_token)
