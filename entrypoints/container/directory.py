"""The directory, wired."""

from dependency_injector import containers, providers

from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from application.directory.get_user import GetUser
from application.directory.list_users import ListUsers
from application.directory.unlock_user import UnlockUser


class Directory(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    disable_user: providers.Provider[DisableUser] = providers.Singleton(DisableUser, store=adapters.store, clock=adapters.clock)
    enable_user: providers.Provider[EnableUser] = providers.Singleton(EnableUser, store=adapters.store)
    unlock_user: providers.Provider[UnlockUser] = providers.Singleton(
        UnlockUser, store=adapters.store, throttle=adapters.throttle
    )
    get_user: providers.Provider[GetUser] = providers.Singleton(GetUser, store=adapters.store)
    list_users: providers.Provider[ListUsers] = providers.Singleton(ListUsers, store=adapters.store)
