"""What an operator should know of the storage."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import final

from application.ports.clock import Clock
from application.ports.tokens import NoSigningKey, RefreshTokens, SigningKeys
from application.ports.unit_of_work import SchemaOutdated, Store, StoreUnavailable
from domain.signing_key import SigningKey


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
class RestingOnValue:
    """What would be lost with a value of the secret: live sessions, until `over_by` at the latest, and signing keys.

    `value` counts from 1, the one that makes. A session that may rest on any of them counts for each.
    """

    value: int
    sessions: int
    over_by: datetime | None
    signing_keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageReport:
    """`clock_ahead` is by how much the storage's clock is ahead of ours, less than nothing where it is behind.

    `further_values` is of the values of the secret behind the first.
    """

    reachable: bool
    schema: Schema = Schema.UNKNOWN
    keys: Keys = Keys.UNKNOWN
    clock_ahead: timedelta | None = None
    further_values: tuple[RestingOnValue, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InspectStorage:
    """Look, and change nothing. What cannot be seen is reported, not raised."""

    store: Store
    signing_keys: SigningKeys
    refresh_tokens: RefreshTokens
    clock: Clock

    async def __call__(self) -> StorageReport:
        try:
            return await self._look()
        except SchemaOutdated:
            return StorageReport(reachable=True, schema=Schema.OUTDATED)
        except StoreUnavailable:
            return StorageReport(reachable=False)

    async def _look(self) -> StorageReport:
        await self.store.require_ready()
        asked_at = self.clock.now()
        ring = await self.store.live.read_key_ring()
        answered_at = self.clock.now()
        return StorageReport(
            reachable=True,
            schema=Schema.CURRENT,
            keys=await self._keys() if ring.keys else Keys.NONE_YET,
            clock_ahead=ring.as_of - (asked_at + (answered_at - asked_at) / 2),
            further_values=await self._further_values(ring.keys) if len(self.refresh_tokens.key_ids) > 1 else (),
        )

    async def _further_values(self, keys: Iterable[SigningKey]) -> tuple[RestingOnValue, ...]:
        found = await self.store.live.count_sessions_by_key()
        sealed = self.signing_keys.count_sealed(keys)
        resting = []
        for place, key_id in enumerate(self.refresh_tokens.key_ids):
            of_value = [counted for counted in found if counted.made_by in {key_id, None}]
            resting.append(
                RestingOnValue(
                    value=place + 1,
                    sessions=sum(counted.count for counted in of_value),
                    over_by=max((counted.over_by for counted in of_value), default=None),
                    signing_keys=sealed[place],
                )
            )
        return tuple(resting[1:])

    async def _keys(self) -> Keys:
        try:
            await self.signing_keys.load()
        except NoSigningKey:
            return Keys.SEALED_UNDER_ANOTHER_SECRET
        return Keys.OPEN
