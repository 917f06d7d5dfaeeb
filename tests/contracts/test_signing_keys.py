import asyncio
from datetime import UTC, datetime

from application.ports.unit_of_work import Store
from domain.signing_key import SigningKey
from tests.contracts.conftest import Storage


def _key(kid: str, *, ordinal: int = 1) -> SigningKey:
    return SigningKey(
        kid=kid * 43,
        ordinal=ordinal,
        algorithm="ES256",
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        sealed=b"\x00\x01sealed",
    )


async def _add(store: Store, key: SigningKey) -> None:
    async with store.begin() as work:
        await work.signing_keys.add_if_absent(key)
        await work.commit()


async def test_every_field_comes_back_as_it_was_stored(storage: Storage) -> None:
    await _add(storage.store, _key("a"))

    assert await storage.another.live.list_signing_keys() == [_key("a")]


async def test_keys_are_listed_by_their_ordinal(store: Store) -> None:
    for key in (_key("c", ordinal=3), _key("a", ordinal=1), _key("b", ordinal=2)):
        await _add(store, key)

    assert [key.ordinal for key in await store.live.list_signing_keys()] == [1, 2, 3]


async def test_of_rivals_who_make_the_first_key_all_end_up_with_one(storage: Storage) -> None:
    await asyncio.gather(*(_add(storage.store, _key(kid)) for kid in "abcdefgh"))

    assert len(await storage.another.live.list_signing_keys()) == 1


async def test_a_key_that_is_not_committed_is_not_there(storage: Storage) -> None:
    async with storage.store.begin() as work:
        await work.signing_keys.add_if_absent(_key("a"))

    assert await storage.another.live.list_signing_keys() == []
