"""Upkeep, wired."""

from dependency_injector import containers, providers

from application.upkeep.calibrate_hashing import CalibrateHashing
from application.upkeep.check_readiness import CheckReadiness
from application.upkeep.inspect_storage import InspectStorage
from application.upkeep.measure_hashing import MeasureHashing
from application.upkeep.purge_expired import PurgeExpired


class Upkeep(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    calibrate_hashing: providers.Provider[CalibrateHashing] = providers.Singleton(
        CalibrateHashing, hashing_times=adapters.hashing_times
    )
    check_readiness: providers.Provider[CheckReadiness] = providers.Singleton(
        CheckReadiness, store=adapters.store, signing_keys=adapters.signing_keys
    )
    inspect_storage: providers.Provider[InspectStorage] = providers.Singleton(
        InspectStorage,
        store=adapters.store,
        signing_keys=adapters.signing_keys,
        refresh_tokens=adapters.refresh_tokens,
        audit_macs=adapters.audit_macs,
        clock=adapters.clock,
    )
    measure_hashing: providers.Provider[MeasureHashing] = providers.Singleton(
        MeasureHashing, hashing_times=adapters.hashing_times, hashing_cost=adapters.hashing_cost
    )
    purge_expired: providers.Provider[PurgeExpired] = providers.Singleton(
        PurgeExpired, store=adapters.store, lifetimes=adapters.lifetimes
    )
