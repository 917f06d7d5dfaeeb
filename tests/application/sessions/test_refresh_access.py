from datetime import timedelta

import pytest

from domain.events import RefreshReuse, SessionAhead
from domain.session import InvalidRefreshToken
from domain.username import Username
from tests.application.conftest import LIFETIMES, InMemory


@pytest.fixture
async def first(portunus: InMemory) -> str:
    await portunus.sign_up()
    return (await portunus.log_in()).refresh_token


async def test_the_successor_is_good_and_the_access_token_is_of_the_same_session(portunus: InMemory, first: str) -> None:
    second = await portunus.refresh_access(refresh_token=first)
    third = await portunus.refresh_access(refresh_token=second.refresh_token)

    sessions = {(await portunus.authenticate(access_token=pair.access_token)).session.id for pair in (second, third)}
    assert len({first, second.refresh_token, third.refresh_token}) == 3
    assert len(sessions) == 1


async def test_a_lost_answer_is_given_again(portunus: InMemory, first: str) -> None:
    lost = await portunus.refresh_access(refresh_token=first)
    portunus.clock.advance(LIFETIMES.grace - timedelta(seconds=1))

    again = await portunus.refresh_access(refresh_token=first)

    assert again.refresh_token == lost.refresh_token
    assert again.expires_in == lost.expires_in


async def test_a_token_two_steps_back_ends_the_session_for_everyone(portunus: InMemory, first: str) -> None:
    second = await portunus.refresh_access(refresh_token=first)
    third = await portunus.refresh_access(refresh_token=second.refresh_token)
    session = (await portunus.authenticate(access_token=third.access_token)).session

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=first)

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=third.refresh_token)
    assert portunus.events.all == [RefreshReuse(session.user_id, session.id)]


async def test_reuse_leaves_the_other_sessions_of_the_user_alive(portunus: InMemory, first: str) -> None:
    other = await portunus.log_in()
    second = await portunus.refresh_access(refresh_token=first)
    await portunus.refresh_access(refresh_token=second.refresh_token)

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=first)

    await portunus.refresh_access(refresh_token=other.refresh_token)


async def test_the_parent_after_the_window_ends_the_session(portunus: InMemory, first: str) -> None:
    second = await portunus.refresh_access(refresh_token=first)
    portunus.clock.advance(LIFETIMES.grace)

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=first)

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=second.refresh_token)


async def test_without_a_window_the_second_use_ends_the_session(portunus: InMemory, first: str) -> None:
    await portunus.refresh_access(refresh_token=first, grace=timedelta(0))

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=first, grace=timedelta(0))


async def test_a_token_newer_than_the_store_is_accepted_and_told_to_the_operator(portunus: InMemory, first: str) -> None:
    presented = portunus.refresh_access.refresh_tokens.open(first)
    session = (await portunus.authenticate(access_token=(await portunus.log_in()).access_token)).session
    ahead = portunus.refresh_access.refresh_tokens.seal(session_id=presented.session_id, counter=7, secret=presented.secret)

    tokens = await portunus.refresh_access(refresh_token=ahead)

    assert portunus.refresh_access.refresh_tokens.open(tokens.refresh_token).counter == 8
    assert portunus.events.all == [SessionAhead(session.user_id, presented.session_id)]


@pytest.mark.parametrize("token", ["", "x", "prt_", "prt_" + "A" * 116, "prt_" + "_" * 116])
async def test_a_token_that_is_not_ours_is_refused(portunus: InMemory, token: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=token)


async def test_rt08_an_access_token_is_refused(portunus: InMemory) -> None:
    await portunus.sign_up()
    tokens = await portunus.log_in()

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=tokens.access_token)


async def test_rt10_who_is_disabled_is_refused(portunus: InMemory, first: str) -> None:
    await portunus.disable_user(username=Username("johndoe"))

    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=first)


async def test_rt09_no_access_token_outlives_its_session(portunus: InMemory, first: str) -> None:
    token = first
    for _ in range(5):
        portunus.clock.advance(LIFETIMES.absolute / 6)
        token = (await portunus.refresh_access(refresh_token=token)).refresh_token
    portunus.clock.advance(LIFETIMES.absolute / 6 - timedelta(minutes=1))

    tokens = await portunus.refresh_access(refresh_token=token)

    assert tokens.expires_in == timedelta(minutes=1)
