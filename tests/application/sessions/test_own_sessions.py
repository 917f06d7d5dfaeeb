from uuid import uuid4

import pytest

from application.ports.cursors import InvalidCursor
from domain.actor import Actor, InvalidAccessToken
from domain.session import EndReason, InvalidRefreshToken, SessionId, SessionUnknown, TokenPair
from tests.application.conftest import InMemory


@pytest.fixture
async def mine(portunus: InMemory) -> TokenPair:
    await portunus.sign_up()
    return await portunus.log_in()


@pytest.fixture
async def actor(portunus: InMemory, mine: TokenPair) -> Actor:
    return await portunus.authenticate(access_token=mine.access_token)


async def _is_live(portunus: InMemory, tokens: TokenPair) -> bool:
    try:
        await portunus.authenticate(access_token=tokens.access_token)
    except InvalidAccessToken:
        with pytest.raises(InvalidRefreshToken):
            await portunus.refresh_access(refresh_token=tokens.refresh_token)
        return False
    return True


async def _session_of(portunus: InMemory, tokens: TokenPair) -> SessionId:
    return (await portunus.authenticate(access_token=tokens.access_token)).session.id


async def test_a_revoked_session_is_over_at_once_and_the_others_are_not(
    portunus: InMemory, mine: TokenPair, actor: Actor
) -> None:
    lost, other = await portunus.log_in(), await portunus.log_in()

    await portunus.revoke_session(actor=actor, session_id=await _session_of(portunus, lost))

    assert not await _is_live(portunus, lost)
    assert await _is_live(portunus, other)
    assert await _is_live(portunus, mine)


async def test_ac06_a_session_of_somebody_else_is_unknown_and_lives(portunus: InMemory, actor: Actor) -> None:
    await portunus.sign_up("other")
    theirs = await portunus.log_in("other")

    with pytest.raises(SessionUnknown):
        await portunus.revoke_session(actor=actor, session_id=await _session_of(portunus, theirs))

    assert await _is_live(portunus, theirs)


async def test_an_unknown_session_and_one_that_is_over_are_unknown(portunus: InMemory, actor: Actor) -> None:
    over = await _session_of(portunus, await portunus.log_in())
    await portunus.revoke_session(actor=actor, session_id=over)

    for session_id in (SessionId(uuid4()), over):
        with pytest.raises(SessionUnknown):
            await portunus.revoke_session(actor=actor, session_id=session_id)


async def test_revoking_the_others_spares_the_one_that_asks_and_every_other_user(
    portunus: InMemory, mine: TokenPair, actor: Actor
) -> None:
    await portunus.sign_up("other")
    others, theirs = [await portunus.log_in() for _ in range(3)], await portunus.log_in("other")

    await portunus.revoke_other_sessions(actor=actor)

    assert [await _is_live(portunus, tokens) for tokens in others] == [False] * 3
    assert await _is_live(portunus, mine)
    assert await _is_live(portunus, theirs)


async def test_revoking_all_ends_the_one_that_asks_too(portunus: InMemory, mine: TokenPair, actor: Actor) -> None:
    other = await portunus.log_in()

    await portunus.revoke_all_sessions(actor=actor)

    assert not await _is_live(portunus, mine)
    assert not await _is_live(portunus, other)


async def test_pages_hold_every_live_session_once(portunus: InMemory, actor: Actor) -> None:
    opened = [actor.session.id] + [await _session_of(portunus, await portunus.log_in()) for _ in range(4)]

    listed, cursor = [], None
    for size in (2, 2, 1):
        page = await portunus.list_sessions(actor=actor, limit=2, cursor=cursor)
        assert len(page.sessions) == size
        listed += [session.id for session in page.sessions]
        cursor = page.next

    assert cursor is None
    assert listed == sorted(opened, reverse=True)  # an id begins with the millisecond


async def test_what_is_over_is_listed_with_its_reason(portunus: InMemory, actor: Actor) -> None:
    await portunus.log_in()
    await portunus.revoke_other_sessions(actor=actor)

    page = await portunus.list_ended_sessions(actor=actor, limit=10)

    assert [ending.reason for _, ending in page.sessions] == [EndReason.REVOKED]
    assert page.next is None


async def test_ht16_a_cursor_is_good_for_one_list_of_one_user(portunus: InMemory, actor: Actor) -> None:
    for _ in range(2):
        await portunus.log_in()
    await portunus.sign_up("other")
    other = await portunus.authenticate(access_token=(await portunus.log_in("other")).access_token)
    cursor = (await portunus.list_sessions(actor=actor, limit=1)).next
    assert cursor is not None

    with pytest.raises(InvalidCursor):
        await portunus.list_sessions(actor=other, limit=1, cursor=cursor)
    with pytest.raises(InvalidCursor):
        await portunus.list_ended_sessions(actor=actor, limit=1, cursor=cursor)
