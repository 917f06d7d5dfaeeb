"""Limits, wired."""

from dependency_injector import containers, providers

from application.limits.admit_request import AdmitRequest


class Limits(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    admit_request: providers.Provider[AdmitRequest] = providers.Singleton(
        AdmitRequest, throttle=adapters.throttle, hasher=adapters.hasher
    )
