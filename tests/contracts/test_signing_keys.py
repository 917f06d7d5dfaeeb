import asyncio
from datetime import UTC, datetime

from adapters.ids import Uuid7Ids
from application.ports.unit_of_work import Store
from domain.signing_key import SigningKey
from tests.contracts.conftest import Storage
from tests.examples import a_stored_session


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

    assert (await storage.another.live.read_key_ring()).keys == (_key("a"),)


async def test_keys_are_listed_by_their_ordinal(store: Store) -> None:
    for key in (_key("c", ordinal=3), _key("a", ordinal=1), _key("b", ordinal=2)):
        await _add(store, key)

    assert [key.ordinal for key in (await store.live.read_key_ring()).keys] == [1, 2, 3]


async def test_of_rivals_who_make_the_first_key_all_end_up_with_one(storage: Storage) -> None:
    await asyncio.gather(*(_add(storage.store, _key(kid)) for kid in "abcdefgh"))

    assert len((await storage.another.live.read_key_ring()).keys) == 1


async def test_a_key_that_is_not_committed_is_not_there(storage: Storage) -> None:
    async with storage.store.begin() as work:
        await work.signing_keys.add_if_absent(_key("a"))

    assert (await storage.another.live.read_key_ring()).keys == ()


async def _generation(store: Store) -> int:
    return (await store.live.read_key_ring()).generation


async def test_the_generation_rises_with_every_change_and_others_see_it(storage: Storage) -> None:
    seen = [await _generation(storage.another)]
    for ordinal, kid in enumerate("abc", start=1):
        await _add(storage.store, _key(kid, ordinal=ordinal))
        seen.append(await _generation(storage.another))

    assert seen == sorted(set(seen))
    assert seen[0] > 0


async def test_the_generation_stays_when_a_change_is_rolled_back(storage: Storage) -> None:
    before = await _generation(storage.another)

    async with storage.store.begin() as work:
        await work.signing_keys.add_if_absent(_key("a"))

    assert await _generation(storage.another) == before


async def test_of_rivals_none_loses_a_step_of_the_generation(storage: Storage) -> None:
    before = await _generation(storage.another)

    await asyncio.gather(*(_add(storage.store, _key(kid, ordinal=ordinal)) for ordinal, kid in enumerate("abcdefgh")))

    assert await _generation(storage.another) == before + 8


async def test_authenticating_tells_the_generation_whether_a_session_is_found_or_not(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    nobody = Uuid7Ids().session()
    await _add(storage.store, _key("a"))

    found = await storage.another.live.authenticate(session_id=session.id, user_id=session.user_id)
    unknown = await storage.another.live.authenticate(session_id=nobody, user_id=session.user_id)

    assert found.actor
    assert unknown.actor is None
    assert found.ring_generation == unknown.ring_generation == await _generation(storage.store)


async def test_the_ring_is_read_with_the_time_of_the_store(store: Store) -> None:
    first = await store.live.read_key_ring()
    second = await store.live.read_key_ring()

    assert first.as_of.tzinfo is not None
    assert first.as_of <= second.as_of
