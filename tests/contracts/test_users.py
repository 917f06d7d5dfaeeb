import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from application.ports.unit_of_work import Store
from domain.email import EmailAddress
from domain.password import PasswordHash
from domain.user import User, UsernameTaken
from domain.username import Username
from tests.contracts.conftest import Storage
from tests.examples import a_stored_user, a_user

AT = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


async def test_every_field_comes_back_as_it_was_stored(storage: Storage) -> None:
    user = replace(a_user("Ada.Lovelace"), email_verified_at=AT, disabled_at=AT, generation=7)

    await a_stored_user(storage.store, user)

    async with storage.another.begin() as work:
        assert await work.users.get(user.id) == user
        assert await work.users.lock_by_username(user.username) == user
    assert await storage.another.live.find_by_username(user.username) == user


async def test_ac01_a_name_is_found_in_any_letter_case_and_shown_as_its_owner_writes_it(store: Store) -> None:
    await a_stored_user(store, a_user("Ada"))

    found = await store.live.find_by_username(Username("aDA"))

    assert found is not None
    assert found.username.shown == "Ada"


async def test_who_is_unknown_is_not_found(store: Store) -> None:
    user = a_user()

    async with store.begin() as work:
        assert await work.users.get(user.id) is None
        assert await work.users.lock_by_username(user.username) is None
    assert await store.live.find_by_username(user.username) is None


async def test_users_are_listed_by_id_page_by_page(storage: Storage) -> None:
    stored = [await a_stored_user(storage.store, a_user(name)) for name in ["zoe", "Ada", "mike", "b.ob", "b-ob"]]
    by_id = sorted(stored, key=lambda user: user.id)

    first = await storage.another.live.list_users(after=None, limit=2)
    second = await storage.another.live.list_users(after=first[-1].id, limit=2)
    third = await storage.another.live.list_users(after=second[-1].id, limit=2)

    assert [*first, *second, *third] == by_id
    assert len(first) == len(second) == 2
    assert list(await storage.another.live.list_users(after=by_id[-1].id, limit=2)) == []


async def test_what_is_not_committed_has_not_happened(storage: Storage) -> None:
    async with storage.store.begin() as work:
        await work.users.add(a_user("never"))

    assert await storage.another.live.find_by_username(Username("never")) is None


async def test_a_refusal_rolls_back_what_was_done_before_it(storage: Storage) -> None:
    await a_stored_user(storage.store, a_user("taken"))

    with pytest.raises(UsernameTaken):
        async with storage.store.begin() as work:
            await work.users.add(a_user("before"))
            await work.users.add(a_user("TAKEN"))
            await work.commit()

    assert await storage.another.live.find_by_username(Username("before")) is None


async def test_the_work_can_go_on_after_a_taken_name(storage: Storage) -> None:
    await a_stored_user(storage.store, a_user("taken"))

    async with storage.store.begin() as work:
        with pytest.raises(UsernameTaken):
            await work.users.add(a_user("taken"))
        await work.users.add(a_user("free"))
        await work.commit()

    assert await storage.another.live.find_by_username(Username("free")) is not None


async def test_an_address_may_be_claimed_twice_until_it_is_verified(store: Store) -> None:
    shared = EmailAddress("both@example.com")

    await a_stored_user(store, replace(a_user("one"), email=shared))
    await a_stored_user(store, replace(a_user("two"), email=shared))


async def test_ac01_ac02_of_twenty_rivals_for_one_name_one_gets_it(storage: Storage) -> None:
    spellings = ["rival", "Rival", "RIVAL"]

    async def sign_up(index: int) -> User | None:
        user = a_user(spellings[index % 3])
        try:
            return await a_stored_user(storage.store if index % 2 else storage.another, user)
        except UsernameTaken:
            return None

    winners = [user for user in await asyncio.gather(*map(sign_up, range(20))) if user]

    assert len(winners) == 1
    assert await storage.another.live.find_by_username(Username("rival")) == winners[0]


async def test_saving_replaces_what_is_stored(storage: Storage) -> None:
    user = await a_stored_user(storage.store)

    async with storage.store.begin() as work:
        locked = await work.users.lock_by_username(user.username)
        assert locked is not None
        await work.users.save(locked.disable(AT))
        await work.commit()

    assert await storage.another.live.find_by_username(user.username) == user.disable(AT)


async def test_saving_who_is_unknown_is_a_bug(store: Store) -> None:
    with pytest.raises(LookupError):
        async with store.begin() as work:
            await work.users.save(a_user())


async def test_rivals_who_change_a_user_wait_for_each_other(storage: Storage) -> None:
    user = await a_stored_user(storage.store)

    async def change(index: int) -> None:
        async with storage.store.begin() as work:
            locked = await work.users.lock_by_username(user.username)
            assert locked is not None
            await asyncio.sleep(0)
            await work.users.save(locked.with_new_password(PasswordHash(f"new:{index}")))
            await work.commit()

    await asyncio.gather(*map(change, range(10)))

    found = await storage.another.live.find_by_username(user.username)
    assert found is not None
    assert found.generation == 10


async def test_a_hash_is_upgraded_only_from_the_one_that_was_verified(storage: Storage) -> None:
    user = await a_stored_user(storage.store, a_user(password_hash="old:x"))
    better, best = PasswordHash("new:x"), PasswordHash("newer:x")

    async with storage.store.begin() as work:
        await work.users.upgrade_password(user.id, old=user.password_hash, new=better)
        await work.commit()
    async with storage.store.begin() as work:
        await work.users.upgrade_password(user.id, old=user.password_hash, new=best)
        await work.commit()

    assert await storage.another.live.find_by_username(user.username) == replace(user, password_hash=better)
