import pytest

from domain.user import UserUnknown
from domain.username import Username
from tests.application.conftest import InMemory


async def test_who_is_unknown_is_refused(portunus: InMemory) -> None:
    await portunus.sign_up("johndoe")

    with pytest.raises(UserUnknown):
        await portunus.get_user(username=Username("johndo"))


async def test_a_user_is_found_in_any_letter_case(portunus: InMemory) -> None:
    user = await portunus.sign_up("JohnDoe")

    assert await portunus.get_user(username=Username("JOHNDOE")) == user
