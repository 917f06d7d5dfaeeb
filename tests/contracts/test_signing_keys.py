import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adapters.ids import Uuid7Ids
from application.ports.unit_of_work import Store
from domain.session import Advanced, Ahead, Repeated
from domain.signing_key import KeyPolicy, KeyState, SigningKey
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import HERE, a_new_session, a_stored_session, a_stored_user, a_token

GRACE = LIFETIMES.grace
BORN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _key(kid: str) -> SigningKey:
    return SigningKey(kid=kid * 43, algorithm="ES256", created_at=BORN, sealed=b"\x00\x01sealed")


async def _announce(store: Store, key: SigningKey) -> None:
    async with store.begin() as work:
        ring = await work.signing_keys.lock()
        await work.signing_keys.save(ring.announce(key))
        await work.commit()


async def _begin(store: Store, kid: str) -> None:
    async with store.begin() as work:
        ring = await work.signing_keys.lock()
        if ring.active is None:
            await asyncio.sleep(0)  # let the rivals in, if anything lets them in
            await work.signing_keys.save(ring.begin(_key(kid), _key(kid.upper())))
            await work.commit()


async def test_every_field_comes_back_as_it_was_stored(storage: Storage) -> None:
    whole = SigningKey(
        kid="a" * 43,
        ordinal=7,
        algorithm="EdDSA",
        created_at=BORN,
        sealed=b"\x00\xff",
        signs_from=BORN + timedelta(seconds=1.5),
        signs_until=BORN + timedelta(days=1),
        verifies_until=BORN + timedelta(days=2),
        disarmed_at=BORN + timedelta(days=3),
        compromised_at=BORN + timedelta(days=4, microseconds=1),
    )
    async with storage.store.begin() as work:
        ring = await work.signing_keys.lock()
        await work.signing_keys.save(replace(ring, keys=(whole,)))
        await work.commit()

    assert (await storage.another.live.read_key_ring()).keys == (whole,)
    async with storage.another.begin() as work:
        assert (await work.signing_keys.lock()).keys == (whole,)


async def test_a_key_is_replaced_by_what_became_of_it(storage: Storage) -> None:
    await _begin(storage.store, "a")
    async with storage.store.begin() as work:
        ring = await work.signing_keys.lock()
        await work.signing_keys.save(ring.compromise("a" * 43, KeyPolicy(), _key("b")))
        await work.commit()

    stored = await storage.another.live.read_key_ring()
    assert [key.kid[0] for key in stored.keys] == ["a", "A", "b"]
    assert [key.state(stored.as_of) for key in stored.keys] == [KeyState.COMPROMISED, KeyState.ACTIVE, KeyState.ANNOUNCED]
    assert stored.keys[0].sealed == b""


async def test_keys_are_listed_by_their_ordinal(store: Store) -> None:
    for kid in "cab":
        await _announce(store, _key(kid))

    assert [(key.ordinal, key.kid[0]) for key in (await store.live.read_key_ring()).keys] == [(1, "c"), (2, "a"), (3, "b")]


async def test_of_rivals_who_begin_the_ring_all_end_up_with_one_active_key(storage: Storage) -> None:
    stores = [storage.store, storage.another] * 4

    await asyncio.gather(*(_begin(store, kid) for store, kid in zip(stores, "abcdefgh", strict=True)))

    stored = await storage.another.live.read_key_ring()
    assert [key.state(stored.as_of) for key in stored.keys] == [KeyState.ACTIVE, KeyState.ANNOUNCED]


async def test_a_key_that_is_not_committed_is_not_there(storage: Storage) -> None:
    async with storage.store.begin() as work:
        await work.signing_keys.save((await work.signing_keys.lock()).announce(_key("a")))

    assert (await storage.another.live.read_key_ring()).keys == ()


async def _generation(store: Store) -> int:
    return (await store.live.read_key_ring()).generation


async def test_the_generation_rises_with_every_change_and_others_see_it(storage: Storage) -> None:
    seen = [await _generation(storage.another)]
    for kid in "abc":
        await _announce(storage.store, _key(kid))
        seen.append(await _generation(storage.another))

    assert seen == sorted(set(seen))
    assert seen[0] > 0


async def test_the_generation_stays_when_a_change_is_rolled_back(storage: Storage) -> None:
    before = await _generation(storage.another)

    async with storage.store.begin() as work:
        await work.signing_keys.save((await work.signing_keys.lock()).announce(_key("a")))

    assert await _generation(storage.another) == before


async def test_of_rivals_none_loses_a_step_of_the_generation(storage: Storage) -> None:
    before = await _generation(storage.another)

    await asyncio.gather(*(_announce(storage.store, _key(kid)) for kid in "abcdefgh"))

    stored = await storage.another.live.read_key_ring()
    assert stored.generation == before + 8
    assert [key.ordinal for key in stored.keys] == list(range(1, 9))
    assert [key.state(stored.as_of) for key in stored.keys] == [KeyState.RETIRED] * 7 + [KeyState.ANNOUNCED]


async def test_authenticating_tells_the_generation_whether_a_session_is_found_or_not(storage: Storage) -> None:
    session, _ = await a_stored_session(storage.store)
    nobody = Uuid7Ids().session()
    await _announce(storage.store, _key("a"))

    found = await storage.another.live.authenticate(session_id=session.id, user_id=session.user_id)
    unknown = await storage.another.live.authenticate(session_id=nobody, user_id=session.user_id)

    assert found.actor
    assert unknown.actor is None
    assert found.ring_generation == unknown.ring_generation == await _generation(storage.store)


async def test_a_rotation_tells_the_generation_whichever_way_the_session_goes_on(storage: Storage) -> None:
    session, secret = await a_stored_session(storage.store)
    await _announce(storage.store, _key("a"))

    told = []
    for counter in (0, 0, 7):
        outcome = await storage.another.live.rotate(a_token(session, secret, counter=counter), grace=GRACE, trace=HERE)
        assert isinstance(outcome, Advanced | Repeated | Ahead)
        told.append(outcome.ring_generation)

    assert told == [await _generation(storage.store)] * 3


async def test_opening_a_session_tells_the_generation(storage: Storage) -> None:
    user = await a_stored_user(storage.store)
    await _announce(storage.store, _key("a"))

    async with storage.another.begin() as work:
        opened = await work.sessions.open(a_new_session(user))

    assert opened is not None
    assert opened.ring_generation == await _generation(storage.store)


async def test_the_ring_is_read_with_the_time_of_the_store(store: Store) -> None:
    first = await store.live.read_key_ring()
    second = await store.live.read_key_ring()

    assert first.as_of.tzinfo is not None
    assert first.as_of <= second.as_of


async def test_a_key_that_was_removed_is_forgotten_and_nobody_has_to_load_the_ring_anew(storage: Storage) -> None:
    await _begin(storage.store, "a")
    before = await storage.store.live.read_key_ring()

    async with storage.store.begin() as work:
        await work.signing_keys.lock()
        await work.signing_keys.remove(before.keys[:1])
        await work.commit()

    after = await storage.another.live.read_key_ring()
    assert after.keys == before.keys[1:]
    assert after.generation == before.generation
