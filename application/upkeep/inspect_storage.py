"""What an operator should know of the storage."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import final

from application.ports.audit import Grants
from application.ports.audit_macs import AuditMacs
from application.ports.clock import Clock
from application.ports.tokens import NoSigningKey, RefreshTokens, SigningKeys
from application.ports.unit_of_work import SchemaOutdated, Store, StoreUnavailable, Unbounded
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
    """What would be lost with a value of the secret: live sessions, until `over_by`, signing keys, proof of the audit trail.

    `value` counts from 1, the one that makes. A session that may rest on any of them counts for each.
    """

    value: int
    sessions: int
    over_by: datetime | None
    signing_keys: int
    newest_seal: bool = False
    checkpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageReport:
    """`clock_ahead` is by how much the storage's clock is ahead of ours, less than nothing where it is behind."""

    reachable: bool
    schema: Schema = Schema.UNKNOWN
    keys: Keys = Keys.UNKNOWN
    clock_ahead: timedelta | None = None
    grants: Grants | None = None  # on the audit trail
    unbounded: Unbounded | None = None
    further_values: tuple[RestingOnValue, ...] = ()  # of the secret, behind the first


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InspectStorage:
    """Look, and change nothing. What cannot be seen is reported, not raised."""

    store: Store
    signing_keys: SigningKeys
    refresh_tokens: RefreshTokens
    audit_macs: AuditMacs
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
        async with self.store.begin() as work:
            grants = await work.audit.grants()
        return StorageReport(
            reachable=True,
            schema=Schema.CURRENT,
            keys=await self._keys() if ring.keys else Keys.NONE_YET,
            clock_ahead=ring.as_of - (asked_at + (answered_at - asked_at) / 2),
            grants=grants,
            unbounded=await self.store.unbounded(),
            further_values=await self._further_values(ring.keys) if len(self.refresh_tokens.key_ids) > 1 else (),
        )

    async def _further_values(self, keys: Iterable[SigningKey]) -> tuple[RestingOnValue, ...]:
        found = await self.store.live.count_sessions_by_key()
        sealed = self.signing_keys.count_sealed(keys)
        async with self.store.begin() as work:
            newest, checkpoint = await work.audit.newest_seal(), await work.audit.checkpoint()
        sealing, standing = (self.audit_macs.value_of(made.mac) if made else None for made in (newest, checkpoint))
        resting = []
        for place, key_id in enumerate(self.refresh_tokens.key_ids):
            of_value = [counted for counted in found if counted.made_by in {key_id, None}]
            resting.append(
                RestingOnValue(
                    value=place + 1,
                    sessions=sum(counted.count for counted in of_value),
                    over_by=max((counted.over_by for counted in of_value), default=None),
                    signing_keys=sealed[place],
                    newest_seal=sealing == place + 1,
                    checkpoint=standing == place + 1,
                )
            )
        return tuple(resting[1:])

    async def _keys(self) -> Keys:
        try:
            await self.signing_keys.load()
        except NoSigningKey:
            return Keys.SEALED_UNDER_ANOTHER_SECRET
        return Keys.OPEN
