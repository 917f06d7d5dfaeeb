"""Sessions, wired."""

from dependency_injector import containers, providers

from application.sessions.authenticate import Authenticate
from application.sessions.list_ended_sessions import ListEndedSessions
from application.sessions.list_sessions import ListSessions
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from application.sessions.revoke_all_sessions import RevokeAllSessions
from application.sessions.revoke_other_sessions import RevokeOtherSessions
from application.sessions.revoke_session import RevokeSession
from application.sessions.store_sightings import StoreSightings


class Sessions(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    login: providers.Provider[Login] = providers.Singleton(
        Login,
        store=adapters.store,
        hasher=adapters.hasher,
        throttle=adapters.throttle,
        access_tokens=adapters.access_tokens,
        refresh_tokens=adapters.refresh_tokens,
        devices=adapters.devices,
        ids=adapters.ids,
        lifetimes=adapters.lifetimes,
    )
    refresh_access: providers.Provider[RefreshAccess] = providers.Singleton(
        RefreshAccess,
        store=adapters.store,
        refresh_tokens=adapters.refresh_tokens,
        access_tokens=adapters.access_tokens,
        origins=adapters.origins,
        events=adapters.events,
        throttle=adapters.throttle,
        lifetimes=adapters.lifetimes,
    )
    authenticate: providers.Provider[Authenticate] = providers.Singleton(
        Authenticate, store=adapters.store, access_tokens=adapters.access_tokens, sightings=adapters.sightings
    )
    store_sightings: providers.Provider[StoreSightings] = providers.Singleton(
        StoreSightings, store=adapters.store, sightings=adapters.sightings
    )
    logout: providers.Provider[Logout] = providers.Singleton(
        Logout, store=adapters.store, access_tokens=adapters.access_tokens, refresh_tokens=adapters.refresh_tokens
    )
    list_sessions: providers.Provider[ListSessions] = providers.Singleton(
        ListSessions, store=adapters.store, cursors=adapters.cursors
    )
    list_ended_sessions: providers.Provider[ListEndedSessions] = providers.Singleton(
        ListEndedSessions, store=adapters.store, cursors=adapters.cursors, lifetimes=adapters.lifetimes
    )
    revoke_session: providers.Provider[RevokeSession] = providers.Singleton(RevokeSession, store=adapters.store)
    revoke_other_sessions: providers.Provider[RevokeOtherSessions] = providers.Singleton(
        RevokeOtherSessions, store=adapters.store
    )
    revoke_all_sessions: providers.Provider[RevokeAllSessions] = providers.Singleton(RevokeAllSessions, store=adapters.store)
