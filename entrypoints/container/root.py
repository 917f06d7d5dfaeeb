"""The whole, and what entrypoints take from it: use cases by class."""

from collections.abc import Mapping
from typing import Any

from dependency_injector import containers, providers

from application.ports.unit_of_work import Store
from application.upkeep.calibrate_hashing import CalibrateHashing
from entrypoints.container.accounts import Accounts
from entrypoints.container.adapters import Adapters
from entrypoints.container.audit import Audit
from entrypoints.container.clients import Clients
from entrypoints.container.directory import Directory
from entrypoints.container.keys import Keys
from entrypoints.container.limits import Limits
from entrypoints.container.passwords import Passwords
from entrypoints.container.sessions import Sessions
from entrypoints.container.upkeep import Upkeep
from entrypoints.settings import Settings


class Portunus(containers.DeclarativeContainer):
    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)

    adapters = providers.Container(Adapters, settings=settings)
    accounts = providers.Container(Accounts, adapters=adapters)
    passwords = providers.Container(Passwords, adapters=adapters)
    sessions = providers.Container(Sessions, adapters=adapters)
    keys = providers.Container(Keys, adapters=adapters)
    clients = providers.Container(Clients, adapters=adapters)
    directory = providers.Container(Directory, adapters=adapters)
    upkeep = providers.Container(Upkeep, adapters=adapters)
    limits = providers.Container(Limits, adapters=adapters)
    audit = providers.Container(Audit, adapters=adapters)


CAPABILITIES = (Accounts, Passwords, Sessions, Keys, Clients, Directory, Upkeep, Limits, Audit)


def build(settings: Settings) -> Portunus:
    """A container of its own for each call: no state is shared between two. Raises `UnsafeSettings`."""
    container = Portunus(settings=providers.Object(settings))
    container.check_dependencies()
    return container


def store_of(container: Portunus) -> Store:
    store: Store = container.adapters.store()
    return store


def require_secret(settings: Settings) -> None:
    """Raises `UnsafeSettings` unless the secret can be used. The rest is not made."""
    build(settings).adapters.secret()


def require_breaches(settings: Settings) -> None:
    """Raises `UnsafeSettings` unless it can be asked for leaked passwords, where that is set."""
    build(settings).adapters.breaches()


def calibrate_hashing(settings: Settings) -> CalibrateHashing:
    """That use case alone: it needs neither a secret nor a database."""
    made: CalibrateHashing = build(settings).upkeep.calibrate_hashing()
    return made


def use_cases_of(container: Portunus) -> Mapping[type, Any]:
    """Every use case, built once, by its class."""
    capabilities = (
        container.accounts,
        container.passwords,
        container.sessions,
        container.keys,
        container.clients,
        container.directory,
        container.upkeep,
        container.limits,
        container.audit,
    )
    made = [
        getattr(capability, name)()
        for capability, declared in zip(capabilities, CAPABILITIES, strict=True)
        for name in declared.providers
        if name != "adapters"
    ]
    return {type(use_case): use_case for use_case in made}
