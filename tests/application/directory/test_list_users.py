import pytest

from domain.user import User
from tests.application.conftest import InMemory


async def test_a_store_without_users_has_one_empty_page(portunus: InMemory) -> None:
    page = await portunus.list_users(limit=10)

    assert (page.users, page.next) == ((), None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8])
async def test_the_pages_hold_everybody_once_and_the_last_says_that_it_is(portunus: InMemory, limit: int) -> None:
    registered = [await portunus.sign_up(f"user{number}") for number in range(7)]

    seen: list[User] = []
    after, pages = None, 0
    while pages == 0 or after:
        page = await portunus.list_users(limit=limit, after=after)
        seen += page.users
        after, pages = page.next, pages + 1

    assert seen == sorted(registered, key=lambda user: user.id)
    assert pages == -(-7 // limit)
