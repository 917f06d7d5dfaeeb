"""Portunus on a storage of its own, which outlives it: it can be started again, and time can be made to pass."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, final

from dependency_injector import providers
from pydantic import SecretStr

from adapters.clock import SystemClock
from adapters.memory.store import MemoryStore
from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.clock import Clock
from application.ports.unit_of_work import Store
from domain.password import PasswordPolicy
from domain.session import Lifetimes
from entrypoints.container.root import Portunus, build, store_of, use_cases_of
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import SECRET
from tests.fakes import FakeClock, FakePasswordHasher


class Data(Protocol):
    """What survives a restart; and the clock of the processes."""

    @property
    def url(self) -> str: ...

    @property
    def clock(self) -> Clock: ...

    def store(self) -> Store | None:
        """The store itself, where it is what survives."""
        ...

    async def age(self, by: timedelta) -> None: ...


@final
class InMemory:
    def __init__(self) -> None:
        self.url = "memory://"
        self.clock = FakeClock()
        self._store = MemoryStore(self.clock, Lifetimes())

    def store(self) -> Store:
        return self._store

    async def age(self, by: timedelta) -> None:
        self.clock.advance(by)


@final
class InSqlite:
    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = FakeClock()

    def store(self) -> None:
        return None

    async def age(self, by: timedelta) -> None:
        self.clock.advance(by)


@final
class InPostgresql:
    def __init__(self, databases: Databases, url: str) -> None:
        self.url = url
        self.clock = SystemClock()
        self._databases = databases

    def store(self) -> None:
        return None

    async def age(self, by: timedelta) -> None:
        await self._databases.age(self.url, by)


@final
class World:
    def __init__(self, data: Data) -> None:
        self.data = data
        self._runner = asyncio.Runner()
        self._start()

    def run(self, use_case: type, **arguments: Any) -> Any:
        return self._runner.run(self.use_cases[use_case](**arguments))

    def wait_for(self, work: Any) -> Any:
        return self._runner.run(work)

    @property
    def tokens_grow_old(self) -> bool:
        """Where the clock is told to go on. What is aged in rows leaves an access token as it was signed."""
        return isinstance(self.data.clock, FakeClock)

    def restart(self) -> None:
        self._stop()
        self._start()

    def close(self) -> None:
        self._stop()
        self._runner.close()

    def _start(self) -> None:
        settings = Settings(
            env="development",
            database_url=SecretStr(self.data.url),
            secret_key=SecretStr(SECRET),
            throttle="off",  # a row of wrong passwords would be refused before it is wrong
        ).with_defaults()
        self.container: Portunus = build(settings)
        self.container.adapters.clock.override(providers.Object(self.data.clock))
        self.container.adapters.hasher.override(providers.Object(FakePasswordHasher()))
        self.container.adapters.policy.override(providers.Object(PasswordPolicy()))
        if kept := self.data.store():
            self.container.adapters.store.override(providers.Object(kept))
        self.use_cases: Mapping[type, Any] = use_cases_of(self.container)
        self.run(PrepareSigningKey)

    def _stop(self) -> None:
        self._runner.run(store_of(self.container).close())
