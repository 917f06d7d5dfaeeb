import pytest

from domain.password import PasswordTooShort, PlainPassword
from domain.user import UsernameTaken
from domain.username import Username, UsernameReserved
from tests.application.conftest import InMemory
from tests.examples import PASSWORD


async def test_the_account_is_stored_with_a_hash_and_not_the_password(portunus: InMemory) -> None:
    user = await portunus.sign_up("Ada")

    stored = await portunus.store.live.find_by_username(Username("ada"))
    assert stored == user
    assert stored.password_hash == await portunus.hasher.hash(PlainPassword.parse(PASSWORD))
    assert stored.registered_at == portunus.clock.now()
    assert stored.email_verified_at is None


async def test_a_name_in_another_letter_case_is_taken(portunus: InMemory) -> None:
    await portunus.sign_up("Ada")

    with pytest.raises(UsernameTaken):
        await portunus.sign_up("aDA")


async def test_a_short_password_is_refused_and_nothing_is_stored(portunus: InMemory) -> None:
    with pytest.raises(PasswordTooShort) as refusal:
        await portunus.sign_up(password="fourteen chars")

    assert refusal.value.minimum == 15
    assert await portunus.store.live.find_by_username(Username("johndoe")) is None


@pytest.mark.parametrize("name", ["admin", "Root", "PORTUNUS", "01a20e6c-ae10-77cc-8912-62dd01a7275a"])
async def test_a_reserved_name_is_refused(portunus: InMemory, name: str) -> None:
    with pytest.raises(UsernameReserved):
        await portunus.sign_up(name)
