import pytest

from domain.actor import Actor, InvalidAccessToken
from domain.password import PasswordPersonal, PasswordTooShort, PlainPassword
from domain.session import EndReason, InvalidRefreshToken, TokenPair
from domain.user import CurrentPasswordWrong, InvalidCredentials
from domain.username import Username
from tests.application.conftest import InMemory
from tests.examples import PASSWORD

NEW = "seven lamps upon a quiet shore"


@pytest.fixture
async def mine(portunus: InMemory) -> TokenPair:
    await portunus.sign_up()
    return await portunus.log_in()


@pytest.fixture
async def actor(portunus: InMemory, mine: TokenPair) -> Actor:
    return await portunus.authenticate(access_token=mine.access_token)


async def _change(portunus: InMemory, actor: Actor, *, current: str = PASSWORD, new: str = NEW) -> None:
    await portunus.change_password(actor=actor, current=PlainPassword.parse(current), new=PlainPassword.parse(new))


async def test_the_new_password_logs_in_and_the_old_one_does_not(portunus: InMemory, actor: Actor) -> None:
    await _change(portunus, actor)

    await portunus.log_in(password=NEW)
    with pytest.raises(InvalidCredentials):
        await portunus.log_in()


async def test_pw14_the_session_that_asks_goes_on_and_every_other_one_ends(
    portunus: InMemory, mine: TokenPair, actor: Actor
) -> None:
    other = await portunus.log_in()

    await _change(portunus, actor)

    with pytest.raises(InvalidAccessToken):
        await portunus.authenticate(access_token=other.access_token)
    with pytest.raises(InvalidRefreshToken):
        await portunus.refresh_access(refresh_token=other.refresh_token)
    await portunus.authenticate(access_token=mine.access_token)
    await portunus.refresh_access(refresh_token=mine.refresh_token)
    [(_, ending)] = (await portunus.list_ended_sessions(actor=actor, limit=10)).sessions
    assert ending.reason is EndReason.PASSWORD_CHANGED


async def test_pw14_without_the_current_password_nothing_changes(portunus: InMemory, actor: Actor) -> None:
    other = await portunus.log_in()

    for wrong in ("", PASSWORD[:-1], PASSWORD.upper(), NEW):
        with pytest.raises(CurrentPasswordWrong):
            await _change(portunus, actor, current=wrong)

    await portunus.authenticate(access_token=other.access_token)
    await portunus.log_in()


@pytest.mark.parametrize(("new", "refusal"), [("short", PasswordTooShort), ("johndoe-johndoe-johndoe", PasswordPersonal)])
async def test_the_new_password_is_held_to_the_rule_of_the_sign_up(
    portunus: InMemory, actor: Actor, new: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await _change(portunus, actor, new=new)

    await portunus.log_in()


async def test_of_two_changes_from_the_same_password_one_is_refused(portunus: InMemory, actor: Actor) -> None:
    await _change(portunus, actor)

    with pytest.raises(CurrentPasswordWrong):
        await _change(portunus, actor, new="another quite long password")

    await portunus.log_in(password=NEW)


async def test_a_session_that_was_revoked_meanwhile_changes_nothing(portunus: InMemory, actor: Actor) -> None:
    await portunus.revoke_session(actor=actor, session_id=actor.session.id)

    with pytest.raises(InvalidAccessToken):
        await _change(portunus, actor)

    await portunus.log_in()


async def test_who_was_disabled_meanwhile_changes_nothing(portunus: InMemory, actor: Actor) -> None:
    await portunus.disable_user(username=Username("johndoe"))

    with pytest.raises(InvalidAccessToken):
        await _change(portunus, actor)
