"""Sessions, wired."""

from dependency_injector import containers, providers

from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess


class Sessions(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    login: providers.Provider[Login] = providers.Singleton(
        Login,
        store=adapters.store,
        hasher=adapters.hasher,
        access_tokens=adapters.access_tokens,
        refresh_tokens=adapters.refresh_tokens,
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
        lifetimes=adapters.lifetimes,
    )
    authenticate: providers.Provider[Authenticate] = providers.Singleton(
        Authenticate, store=adapters.store, access_tokens=adapters.access_tokens
    )
    logout: providers.Provider[Logout] = providers.Singleton(
        Logout, store=adapters.store, access_tokens=adapters.access_tokens, refresh_tokens=adapters.refresh_tokens
    )
