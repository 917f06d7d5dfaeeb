import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.memory.store import MemoryStore
from adapters.security.key_material import thumbprint
from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from application.ports.tokens import NoSigningKey
from domain.events import SigningKeyCompromised, SigningKeyUnreadable
from domain.key_ring import StoredKeyRing
from domain.session import Lifetimes
from domain.signing_key import SigningKey
from tests.examples import SECRET, a_stored_key
from tests.fakes import FakeClock, RecordedEvents


def _ring(store: MemoryStore, events: RecordedEvents) -> KeyRing:
    return KeyRing(store, SecretKey.parse(SECRET), events, FakeClock())


class SlowToAnswer:
    """Holds back the first answer: what was read is told later."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    def before(self, store: MemoryStore) -> Any:
        async def read_key_ring() -> StoredKeyRing:
            read = await store.live.read_key_ring()
            if not self.asked.is_set():
                self.asked.set()
                await self.may_answer.wait()
            return read

        return SimpleNamespace(live=SimpleNamespace(read_key_ring=read_key_ring))


async def change(store: MemoryStore, key: SigningKey) -> None:
    async with store.begin() as work:
        await work.signing_keys.save((await work.signing_keys.lock()).replaced(key))
        await work.commit()


def test_rfc7638_3_1_the_thumbprint_of_the_example() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn6"
        "4tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9"
        "1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )

    assert thumbprint({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}) == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


async def test_a_key_that_one_process_made_is_loaded_by_another(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    key = await _ring(store, events).make(at=clock.now())
    await a_stored_key(store, key)

    [published] = await _ring(store, events).published()

    assert published.kid == key.kid == thumbprint(published.jwk)
    assert events.all == []


async def test_tk19_public_members_only_are_published(clock: FakeClock) -> None:
    store = MemoryStore(clock, Lifetimes())
    ring = _ring(store, RecordedEvents())
    await a_stored_key(store, await ring.make(at=clock.now()))

    [published] = await ring.published()

    assert published.jwk.keys() == {"kid", "use", "alg", "kty", "crv", "x", "y"}
    assert (published.jwk["use"], published.jwk["alg"]) == ("sig", "ES256")


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {"kid": "x" * 43},
        lambda _: {"algorithm": "none"},
        lambda key: {"created_at": key.created_at + timedelta(microseconds=1)},
        lambda _: {"sealed": b""},
        lambda key: {"sealed": key.sealed[:-1] + bytes([key.sealed[-1] ^ 1])},
    ],
    ids=["kid", "algorithm", "created_at", "emptied", "flipped"],
)
async def test_a_row_that_somebody_altered_is_ignored_and_told(clock: FakeClock, change: Any) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = _ring(store, events)
    key = await ring.make(at=clock.now())
    altered = replace(key, **change(key))
    await a_stored_key(store, altered)

    with pytest.raises(NoSigningKey):
        await ring.load()

    assert events.all == [SigningKeyUnreadable(altered.kid, "It does not open under this secret.")]


async def test_two_keys_that_swapped_their_seals_do_not_open(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = _ring(store, events)
    one, other = await ring.make(at=clock.now()), await ring.make(at=clock.now())
    await a_stored_key(store, replace(one, sealed=other.sealed))
    await a_stored_key(store, other)

    assert [key.kid for key in await ring.published()] == [other.kid]
    assert events.all == [SigningKeyUnreadable(one.kid, "It does not open under this secret.")]


async def test_a_key_does_not_show_its_private_half(clock: FakeClock) -> None:
    ring = _ring(MemoryStore(clock, Lifetimes()), RecordedEvents())

    key = await ring.make(at=clock.now())

    assert "sealed" not in repr(key)
    assert b'"d"' not in key.sealed


async def test_a_newer_generation_is_loaded_and_the_same_is_not(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    here, there = _ring(store, events), _ring(store, events)
    await a_stored_key(store, await here.make(at=clock.now()))
    before = await here.ring()
    await a_stored_key(store, await there.make(at=clock.now()))

    assert await here.ring(generation=before.generation) is before
    assert len((await here.ring(generation=before.generation + 1)).keys) == 2


async def test_an_answer_that_was_overtaken_does_not_bring_an_older_ring_back(clock: FakeClock) -> None:
    store, slow = MemoryStore(clock, Lifetimes()), SlowToAnswer()
    ring = KeyRing(slow.before(store), SecretKey.parse(SECRET), RecordedEvents(), clock)
    await a_stored_key(store, await ring.make(at=clock.now()))
    first = asyncio.create_task(ring.load())
    await slow.asked.wait()
    await a_stored_key(store, await ring.make(at=clock.now()))
    second = asyncio.create_task(ring.load())
    await asyncio.sleep(0.01)  # long enough for it to overtake

    slow.may_answer.set()
    await asyncio.gather(first, second)

    assert len(await ring.published()) == 2


async def test_a_newer_generation_is_not_taken_from_a_load_that_began_before_it(clock: FakeClock) -> None:
    store, slow = MemoryStore(clock, Lifetimes()), SlowToAnswer()
    ring = KeyRing(slow.before(store), SecretKey.parse(SECRET), RecordedEvents(), clock)
    await a_stored_key(store, await ring.make(at=clock.now()))
    first = asyncio.create_task(ring.ring())
    await slow.asked.wait()
    await a_stored_key(store, await ring.make(at=clock.now()))
    newest = (await store.live.read_key_ring()).generation
    asked = asyncio.create_task(ring.ring(generation=newest))
    await asyncio.sleep(0.01)

    slow.may_answer.set()
    await first

    assert (await asked).generation == newest


async def test_a_process_goes_on_with_a_key_that_it_has_opened_and_that_opens_no_longer(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = KeyRing(store, SecretKey.parse(SECRET), events, clock)
    key = await a_stored_key(store, await ring.make(at=clock.now()))
    await ring.load()
    await change(store, replace(key, sealed=b"sealed under a value that this process has not"))

    await ring.load()

    assert (await ring.signing()).kid == key.kid
    assert events.all == [SigningKeyUnreadable(key.kid, "It does not open under this secret.")]
    with pytest.raises(NoSigningKey):
        await KeyRing(store, SecretKey.parse(SECRET), events, clock).load()


@pytest.mark.parametrize(
    "changed",
    [lambda _: {"algorithm": "EdDSA"}, lambda key: {"created_at": key.created_at + timedelta(days=1)}],
    ids=["algorithm", "created_at"],
)
async def test_it_does_not_go_on_with_a_key_of_which_more_was_altered(clock: FakeClock, changed: Any) -> None:
    store = MemoryStore(clock, Lifetimes())
    ring = KeyRing(store, SecretKey.parse(SECRET), RecordedEvents(), clock)
    key = await a_stored_key(store, await ring.make(at=clock.now()))
    await ring.load()
    await change(store, replace(key, **changed(key)))

    with pytest.raises(NoSigningKey):
        await ring.load()


async def test_a_key_that_was_opened_and_is_compromised_is_gone_and_told_of_once(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = KeyRing(store, SecretKey.parse(SECRET), events, clock)
    key = await a_stored_key(store, await ring.make(at=clock.now()))
    await ring.load()
    await change(store, key.compromise(clock.now()))

    for _ in range(2):
        with pytest.raises(NoSigningKey):
            await ring.load()

    assert events.all == [SigningKeyCompromised(key.kid)]


async def test_an_unknown_kid_makes_a_process_look_again_once_in_five_seconds(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = KeyRing(store, SecretKey.parse(SECRET), events, clock)
    seen = []
    for _ in range(7):
        await a_stored_key(store, await ring.make(at=clock.now()))
        seen.append(len((await ring.look_again()).keys))
        clock.advance(timedelta(seconds=2))

    assert seen == [1, 1, 1, 4, 4, 4, 7]


async def test_a_clock_that_was_set_back_does_not_keep_a_process_from_looking(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = KeyRing(store, SecretKey.parse(SECRET), events, clock)
    await a_stored_key(store, await ring.make(at=clock.now()))
    await ring.look_again()
    clock.advance(-timedelta(days=1))
    await a_stored_key(store, await ring.make(at=clock.now()))

    assert len((await ring.look_again()).keys) == 2


async def test_an_unusable_key_is_told_once_however_often_the_ring_is_loaded(clock: FakeClock) -> None:
    store, events = MemoryStore(clock, Lifetimes()), RecordedEvents()
    ring = _ring(store, events)
    await a_stored_key(store, await ring.make(at=clock.now()))
    await a_stored_key(store, replace(await ring.make(at=clock.now()), sealed=b""))

    for _ in range(3):
        await ring.load()

    assert len(events.all) == 1
