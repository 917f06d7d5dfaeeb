"""The audit trail, wired."""

from dependency_injector import containers, providers

from application.audit.enter_trips import EnterTrips
from application.audit.erase_details import EraseDetails
from application.audit.gather_failures import GatherFailures
from application.audit.list_activity import ListActivity
from application.audit.list_entries import ListEntries
from application.audit.prune_record import PruneRecord
from application.audit.seal_record import SealRecord
from application.audit.verify_record import VerifyRecord


class Audit(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    enter_trips: providers.Provider[EnterTrips] = providers.Singleton(EnterTrips, store=adapters.store, trips=adapters.trips)
    gather_failures: providers.Provider[GatherFailures] = providers.Singleton(GatherFailures, store=adapters.store)
    seal_record: providers.Provider[SealRecord] = providers.Singleton(
        SealRecord, store=adapters.store, audit_macs=adapters.audit_macs, events=adapters.events
    )
    verify_record: providers.Provider[VerifyRecord] = providers.Singleton(
        VerifyRecord, store=adapters.store, audit_macs=adapters.audit_macs
    )
    prune_record: providers.Provider[PruneRecord] = providers.Singleton(
        PruneRecord, store=adapters.store, audit_macs=adapters.audit_macs, clock=adapters.clock
    )
    erase_details: providers.Provider[EraseDetails] = providers.Singleton(EraseDetails, store=adapters.store)
    list_entries: providers.Provider[ListEntries] = providers.Singleton(ListEntries, store=adapters.store)
    list_activity: providers.Provider[ListActivity] = providers.Singleton(
        ListActivity, store=adapters.store, cursors=adapters.cursors
    )
