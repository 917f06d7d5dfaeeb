import asyncio

import pytest

from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.tokens import NoSigningKey
from domain.events import SigningKeyUnreadable
from tests.application.conftest import InMemory
from tests.examples import SECRET

OTHER_SECRET = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"


async def test_the_first_start_makes_one_key(bare: InMemory) -> None:
    await bare.prepare_signing_key()

    assert [key.ordinal for key in (await bare.store.live.read_key_ring()).keys] == [1]
    assert len(await bare.publish_key_set()) == 1


async def test_processes_that_start_at_once_agree_on_one_key(bare: InMemory) -> None:
    rings = [KeyRing(bare.store, SecretKey.parse(OTHER_SECRET), bare.events, bare.clock) for _ in range(4)]

    await asyncio.gather(*(PrepareSigningKey(store=bare.store, signing_keys=ring, clock=bare.clock)() for ring in rings))

    published = [await ring.published() for ring in rings]
    assert all(keys == published[0] for keys in published)
    assert len(published[0]) == 1


async def test_a_later_start_makes_none(portunus: InMemory) -> None:
    before = (await portunus.store.live.read_key_ring()).keys

    await portunus.prepare_signing_key()

    assert (await portunus.store.live.read_key_ring()).keys == before


async def test_after_a_change_of_algorithm_a_start_makes_a_key_and_the_older_one_still_verifies(portunus: InMemory) -> None:
    ring = KeyRing(portunus.store, SecretKey.parse(SECRET), portunus.events, portunus.clock, algorithm="EdDSA")

    await PrepareSigningKey(store=portunus.store, signing_keys=ring, clock=portunus.clock)()

    assert [key.jwk["alg"] for key in await ring.published()] == ["ES256", "EdDSA"]
    assert (await ring.signing()).algorithm == "EdDSA"


async def test_under_another_secret_no_key_is_made_and_the_operator_is_told(portunus: InMemory) -> None:
    ring = KeyRing(portunus.store, SecretKey.parse(OTHER_SECRET), portunus.events, portunus.clock)
    before = (await portunus.store.live.read_key_ring()).keys

    with pytest.raises(NoSigningKey):
        await PrepareSigningKey(store=portunus.store, signing_keys=ring, clock=portunus.clock)()

    assert (await portunus.store.live.read_key_ring()).keys == before
    assert portunus.events.all == [SigningKeyUnreadable(before[0].kid, "It does not open under this secret.")]


async def test_without_a_key_nobody_logs_in_and_nothing_is_published(bare: InMemory) -> None:
    await bare.sign_up()

    with pytest.raises(NoSigningKey):
        await bare.log_in()
    with pytest.raises(NoSigningKey):
        await bare.publish_key_set()
    with pytest.raises(NoSigningKey):
        await bare.check_readiness()


async def test_a_process_is_ready_with_a_key(portunus: InMemory) -> None:
    await portunus.check_readiness()
