"""Passwords, wired."""

from dependency_injector import containers, providers

from application.passwords.change_password import ChangePassword
from application.passwords.judge_password import JudgePassword


class Passwords(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    change_password: providers.Provider[ChangePassword] = providers.Singleton(
        ChangePassword,
        store=adapters.store,
        hasher=adapters.hasher,
        breaches=adapters.breaches,
        throttle=adapters.throttle,
        policy=adapters.policy,
    )
    judge_password: providers.Provider[JudgePassword] = providers.Singleton(
        JudgePassword, breaches=adapters.breaches, policy=adapters.policy
    )
