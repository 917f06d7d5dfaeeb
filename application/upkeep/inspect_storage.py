"""What an operator should know of the storage."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import final

from application.ports.clock import Clock
from application.ports.tokens import NoSigningKey, SigningKeys
from application.ports.unit_of_work import SchemaOutdated, Store, StoreUnavailable


class Schema(Enum):
    CURRENT = "current"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"


class Keys(Enum):
    OPEN = "open"
    NONE_YET = "none yet"
    SEALED_UNDER_ANOTHER_SECRET = "sealed under another secret"  # noqa: S105 - a state
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageReport:
    """`clock_ahead` is by how much the storage's clock is ahead of ours, less than nothing where it is behind."""

    reachable: bool
    schema: Schema = Schema.UNKNOWN
    keys: Keys = Keys.UNKNOWN
    clock_ahead: timedelta | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InspectStorage:
    """Look, and change nothing. What cannot be seen is reported, not raised."""

    store: Store
    signing_keys: SigningKeys
    clock: Clock

    async def __call__(self) -> StorageReport:
        try:
            keys, clock_ahead = await self._look()
        except SchemaOutdated:
            return StorageReport(reachable=True, schema=Schema.OUTDATED)
        except StoreUnavailable:
            return StorageReport(reachable=False)
        return StorageReport(reachable=True, schema=Schema.CURRENT, keys=keys, clock_ahead=clock_ahead)

    async def _look(self) -> tuple[Keys, timedelta]:
        await self.store.require_ready()
        asked_at = self.clock.now()
        ring = await self.store.live.read_key_ring()
        answered_at = self.clock.now()
        keys = await self._keys() if ring.keys else Keys.NONE_YET
        return keys, ring.as_of - (asked_at + (answered_at - asked_at) / 2)

    async def _keys(self) -> Keys:
        try:
            await self.signing_keys.load()
        except NoSigningKey:
            return Keys.SEALED_UNDER_ANOTHER_SECRET
        return Keys.OPEN
