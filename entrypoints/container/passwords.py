"""Passwords, wired."""

from dependency_injector import containers, providers

from application.passwords.change_password import ChangePassword


class Passwords(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    change_password: providers.Provider[ChangePassword] = providers.Singleton(
        ChangePassword, store=adapters.store, hasher=adapters.hasher, throttle=adapters.throttle, policy=adapters.policy
    )
