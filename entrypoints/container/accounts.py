"""Accounts, wired."""

from dependency_injector import containers, providers

from application.accounts.get_current_user import GetCurrentUser
from application.accounts.import_user import ImportUser
from application.accounts.register_user import RegisterUser


class Accounts(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    register_user: providers.Provider[RegisterUser] = providers.Singleton(
        RegisterUser,
        store=adapters.store,
        hasher=adapters.hasher,
        breaches=adapters.breaches,
        ids=adapters.ids,
        clock=adapters.clock,
        policy=adapters.policy,
    )
    import_user: providers.Provider[ImportUser] = providers.Singleton(
        ImportUser, store=adapters.store, hasher=adapters.hasher, ids=adapters.ids, clock=adapters.clock
    )
    get_current_user: providers.Provider[GetCurrentUser] = providers.Singleton(GetCurrentUser)
