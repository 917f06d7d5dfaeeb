from dataclasses import replace
from datetime import timedelta

from adapters.security.audit_macs import KeyedAuditMacs
from adapters.security.key_ring import KeyRing
from adapters.security.refresh_tokens import MacRefreshTokens
from adapters.security.secret_key import SecretKey
from application.ports.unit_of_work import SchemaOutdated, StoreUnavailable
from application.upkeep.inspect_storage import InspectStorage, Keys, Schema, StorageReport
from tests.application.conftest import InMemory
from tests.examples import SECRET
from tests.fakes import FakeClock

OTHER_SECRET = "7d1f0a94c3b2e85866f1e0d9a7c4b35210fe43dc98ba7615e2c9d47a08b1f36e"


class Away:
    """A store that is not there, or not as it should be."""

    def __init__(self, portunus: InMemory, refusal: Exception) -> None:
        self.live = portunus.store.live
        self.throttle = portunus.store.throttle
        self.begin = portunus.store.begin
        self.unbounded = portunus.store.unbounded
        self.close = portunus.store.close
        self._refusal = refusal

    async def require_ready(self) -> None:
        raise self._refusal


def _inspecting(portunus: InMemory) -> InspectStorage:
    return InspectStorage(
        store=portunus.store,
        signing_keys=portunus.key_ring,
        refresh_tokens=MacRefreshTokens(SecretKey.parse(SECRET)),
        audit_macs=KeyedAuditMacs(SecretKey.parse(SECRET)),
        clock=portunus.clock,
    )


async def test_a_store_that_is_away_is_reported_not_raised(bare: InMemory) -> None:
    inspect = replace(_inspecting(bare), store=Away(bare, StoreUnavailable()))

    assert await inspect() == StorageReport(reachable=False)


async def test_a_schema_that_is_outdated_is_reported_not_raised(bare: InMemory) -> None:
    inspect = replace(_inspecting(bare), store=Away(bare, SchemaOutdated()))

    assert await inspect() == StorageReport(reachable=True, schema=Schema.OUTDATED)


async def test_a_store_without_keys_gets_none_by_being_looked_at(bare: InMemory) -> None:
    inspect = _inspecting(bare)

    assert (await inspect()).keys is Keys.NONE_YET
    assert (await inspect()).keys is Keys.NONE_YET


async def test_keys_of_another_secret_are_reported_not_raised(portunus: InMemory) -> None:
    ring = KeyRing(portunus.store, SecretKey.parse(OTHER_SECRET), portunus.events, portunus.clock)
    inspect = replace(_inspecting(portunus), signing_keys=ring)

    assert (await inspect()).keys is Keys.SEALED_UNDER_ANOTHER_SECRET


async def test_a_clock_that_differs_from_the_stores_is_told_with_its_sign(portunus: InMemory) -> None:
    slow = FakeClock()
    slow.advance(timedelta(seconds=-90))
    inspect = replace(_inspecting(portunus), clock=slow)

    report = await inspect()

    assert report == StorageReport(reachable=True, schema=Schema.CURRENT, keys=Keys.OPEN, clock_ahead=timedelta(seconds=90))
