"""Which values of the secret are still needed, as they change by the three steps of the operating guide."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.security.audit_macs import KeyedAuditMacs
from adapters.security.key_ring import KeyRing
from adapters.security.refresh_tokens import MacRefreshTokens
from adapters.security.secret_key import SecretKey
from application.audit.prune_record import PruneRecord
from application.audit.seal_record import SealRecord
from application.keys.reseal_signing_keys import ResealSigningKeys
from application.upkeep.inspect_storage import InspectStorage, RestingOnValue
from domain.session import TokenPair
from tests.application.conftest import LIFETIMES, InMemory
from tests.examples import SECRET
from tests.fakes import FakeClock

NEW = "7d1f0a94c3b2e85866f1e0d9a7c4b35210fe43dc98ba7615e2c9d47a08b1f36e"


class Process:
    """Portunus as it runs under a value of the secret, on the store of another."""

    def __init__(self, portunus: InMemory, secret: str) -> None:
        self.ring = KeyRing(portunus.store, SecretKey.parse(secret), portunus.events, portunus.clock)
        self.tokens = MacRefreshTokens(SecretKey.parse(secret))
        self.macs = KeyedAuditMacs(SecretKey.parse(secret))
        self.inspect = InspectStorage(
            store=portunus.store,
            signing_keys=self.ring,
            refresh_tokens=self.tokens,
            audit_macs=self.macs,
            clock=portunus.clock,
        )
        self.refresh_access = replace(portunus.refresh_access, refresh_tokens=self.tokens)
        self.login = replace(portunus.login, refresh_tokens=self.tokens)
        self.reseal = ResealSigningKeys(store=portunus.store, signing_keys=self.ring)

    async def resting(self) -> tuple[RestingOnValue, ...]:
        return (await self.inspect()).further_values


@pytest.fixture
async def mine(portunus: InMemory) -> TokenPair:
    await portunus.sign_up()
    return await portunus.log_in()


def _resting(clock: FakeClock, *, sessions: int, signing_keys: int) -> tuple[RestingOnValue, ...]:
    over_by = clock.now() + LIFETIMES.idle if sessions else None
    return (RestingOnValue(value=2, sessions=sessions, over_by=over_by, signing_keys=signing_keys),)


@pytest.mark.usefixtures("mine")
async def test_with_one_value_there_is_nothing_to_tell(portunus: InMemory) -> None:
    assert await Process(portunus, SECRET).resting() == ()


@pytest.mark.usefixtures("mine")
async def test_a_value_that_was_only_just_added_is_needed_by_nothing(portunus: InMemory) -> None:
    assert await Process(portunus, f"{SECRET},{NEW}").resting() == _resting(portunus.clock, sessions=0, signing_keys=0)


async def test_the_old_value_is_needed_until_every_session_was_refreshed_and_every_key_resealed(
    portunus: InMemory, mine: TokenPair
) -> None:
    process = Process(portunus, f"{NEW},{SECRET}")
    before = await process.resting()

    refreshed = await process.refresh_access(refresh_token=mine.refresh_token)
    moved = await process.resting()
    assert all([resealed.opened async for resealed in process.reseal()])
    done = await process.resting()

    assert before == _resting(portunus.clock, sessions=1, signing_keys=2)
    assert moved == _resting(portunus.clock, sessions=0, signing_keys=2)
    assert done == _resting(portunus.clock, sessions=0, signing_keys=0)
    alone = Process(portunus, NEW)
    await alone.refresh_access(refresh_token=refreshed.refresh_token)


@pytest.mark.usefixtures("mine")
async def test_a_session_that_nobody_refreshes_needs_it_until_it_has_idled_out(portunus: InMemory) -> None:
    process = Process(portunus, f"{NEW},{SECRET}")
    [first] = await process.resting()
    assert first.over_by is not None

    portunus.clock.advance(first.over_by - portunus.clock.now())

    assert (await process.resting())[0].sessions == 0


async def test_while_one_process_has_not_been_restarted_what_it_has_answered_counts(
    portunus: InMemory, mine: TokenPair
) -> None:
    behind, process = Process(portunus, f"{SECRET},{NEW}"), Process(portunus, f"{NEW},{SECRET}")

    await process.refresh_access(refresh_token=mine.refresh_token)
    repeated = await behind.refresh_access(refresh_token=mine.refresh_token)

    assert (await process.resting())[0].sessions == 1
    await process.refresh_access(refresh_token=repeated.refresh_token)
    assert (await process.resting())[0].sessions == 0


async def test_the_old_value_is_needed_until_something_is_sealed_under_the_new_one(portunus: InMemory) -> None:
    await portunus.sign_up()
    await SealRecord(store=portunus.store, audit_macs=Process(portunus, SECRET).macs, events=portunus.events)()
    process = Process(portunus, f"{NEW},{SECRET}")

    [before] = await process.resting()
    await portunus.log_in()
    await SealRecord(store=portunus.store, audit_macs=process.macs, events=portunus.events)()
    [after] = await process.resting()

    assert (before.newest_seal, after.newest_seal) == (True, False)


async def test_the_old_value_is_needed_while_the_checkpoint_is_under_it(portunus: InMemory) -> None:
    async def seal_and_prune(process: Process) -> None:
        await portunus.log_in()
        await SealRecord(store=portunus.store, audit_macs=process.macs, events=portunus.events)()
        portunus.clock.advance(timedelta(seconds=1))
        prune = PruneRecord(store=portunus.store, audit_macs=process.macs, clock=portunus.clock)
        assert [removed async for removed in prune(before=portunus.clock.now())]

    await portunus.sign_up()
    await seal_and_prune(Process(portunus, SECRET))
    process = Process(portunus, f"{NEW},{SECRET}")

    [before] = await process.resting()
    await seal_and_prune(process)
    [after] = await process.resting()

    assert (before.checkpoint, after.checkpoint) == (True, False)
