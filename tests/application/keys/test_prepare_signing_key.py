import asyncio

import pytest

from adapters.security.key_ring import KeyRing
from adapters.security.secret_key import SecretKey
from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.tokens import NoSigningKey
from domain.events import SigningKeyUnreadable
from tests.application.conftest import KEY_POLICY, InMemory
from tests.examples import SECRET

OTHER_SECRET = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"


def _prepare(portunus: InMemory, *, secret: str = SECRET, algorithm: str = "ES256") -> tuple[PrepareSigningKey, KeyRing]:
    ring = KeyRing(portunus.store, SecretKey.parse(secret), portunus.events, portunus.clock, algorithm=algorithm)
    return PrepareSigningKey(store=portunus.store, signing_keys=ring, key_policy=KEY_POLICY), ring


async def _states(portunus: InMemory) -> list[tuple[str, str]]:
    stored = await portunus.store.live.read_key_ring()
    return [(key.algorithm, str(key.state(stored.as_of))) for key in stored.keys]


async def test_the_first_start_makes_a_key_that_signs_and_one_that_is_announced(bare: InMemory) -> None:
    await bare.prepare_signing_key()

    assert await _states(bare) == [("ES256", "active"), ("ES256", "announced")]
    assert len((await bare.publish_key_set()).keys) == 2


async def test_processes_that_start_at_once_agree_on_the_keys(bare: InMemory) -> None:
    starts = [_prepare(bare) for _ in range(4)]

    await asyncio.gather(*(prepare() for prepare, _ in starts))

    published = [await ring.published() for _, ring in starts]
    assert all(keys == published[0] for keys in published)
    assert await _states(bare) == [("ES256", "active"), ("ES256", "announced")]


async def test_a_later_start_makes_none(portunus: InMemory) -> None:
    before = (await portunus.store.live.read_key_ring()).keys

    await portunus.prepare_signing_key()

    assert (await portunus.store.live.read_key_ring()).keys == before


async def test_after_a_change_of_algorithm_the_older_key_signs_until_the_new_one_is_known_everywhere(
    portunus: InMemory,
) -> None:
    prepare, ring = _prepare(portunus, algorithm="EdDSA")
    await prepare()

    assert (await ring.signing()).algorithm == "ES256"
    assert await _states(portunus) == [
        ("ES256", "active"),
        ("ES256", "retired"),
        ("EdDSA", "announced"),
        ("EdDSA", "announced"),
    ]
    portunus.clock.advance(KEY_POLICY.announced_for)
    assert (await ring.signing()).algorithm == "EdDSA"
    assert (await _states(portunus))[0] == ("ES256", "retiring")


async def test_a_start_in_the_middle_of_a_change_of_algorithm_changes_nothing(portunus: InMemory) -> None:
    prepare, _ = _prepare(portunus, algorithm="EdDSA")
    await prepare()
    before = (await portunus.store.live.read_key_ring()).keys

    await prepare()
    portunus.clock.advance(KEY_POLICY.announced_for)
    await prepare()

    assert (await portunus.store.live.read_key_ring()).keys == before


@pytest.mark.parametrize(("before", "after"), [("ES256", "HS256"), ("HS256", "ES256")])
async def test_between_published_and_shared_keys_the_change_is_at_once(bare: InMemory, before: str, after: str) -> None:
    prepare, _ = _prepare(bare, algorithm=before)
    await prepare()
    prepare, ring = _prepare(bare, algorithm=after)

    await prepare()

    assert (await ring.signing()).algorithm == after
    assert await _states(bare) == [(before, "retired"), (before, "retired"), (after, "active"), (after, "announced")]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_under_another_secret_no_key_is_made_and_the_operator_is_told(portunus: InMemory, algorithm: str) -> None:
    prepare, _ = _prepare(portunus, secret=OTHER_SECRET, algorithm=algorithm)
    before = (await portunus.store.live.read_key_ring()).keys

    with pytest.raises(NoSigningKey):
        await prepare()

    assert (await portunus.store.live.read_key_ring()).keys == before
    assert portunus.events.all == [SigningKeyUnreadable(key.kid, "It does not open under this secret.") for key in before]


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
