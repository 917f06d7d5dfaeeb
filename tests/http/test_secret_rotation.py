"""The three steps of PORTUNUS_SECRET_KEY at two processes, in both orders: over HTTP, without servers in between."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dependency_injector import providers
from pydantic import SecretStr

from adapters.clock import SystemClock
from adapters.memory.store import MemoryStore
from application.keys.prepare_signing_key import PrepareSigningKey
from application.keys.reseal_signing_keys import ResealSigningKeys
from application.ports.tokens import NoSigningKey
from application.ports.unit_of_work import Store
from domain.session import Lifetimes
from entrypoints.container.root import build, store_of, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import SECRET
from tests.http.api import Api

OLD = SECRET
NEW = "deadbeef00112233445566778899aabbccddeeff102938475665748392a1b0cf"
APPENDED, MOVED = f"{OLD},{NEW}", f"{NEW},{OLD}"

Start = Callable[[str], Awaitable[Api]]


@asynccontextmanager
async def a_process(url: str, secret: str, kept: Store | None) -> AsyncIterator[Api]:
    settings = Settings(
        env="development",
        database_url=SecretStr(url),
        secret_key=SecretStr(secret),
        argon2_memory=64,
        argon2_time=1,
    ).with_defaults()
    container = build(settings)
    if kept:
        container.adapters.store.override(providers.Object(kept))
    use_cases = use_cases_of(container)
    app = create_app(use_cases)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://portunus") as http:
        try:
            await use_cases[PrepareSigningKey]()
            yield Api(app, http, use_cases, container)
        finally:
            await store_of(container).close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def start(request: pytest.FixtureRequest, tmp_path: Path, sqlite_in: Callable[[Path], str]) -> AsyncIterator[Start]:
    """Starts a process under a secret, on storage that they share and that outlives them."""
    kept = MemoryStore(SystemClock(), Lifetimes()) if request.param == "memory" else None
    url = "memory://"
    if request.param == "sqlite":
        url = sqlite_in(tmp_path)
    elif request.param == "postgresql":
        databases: Databases = request.getfixturevalue("databases")
        url = await databases.make()
    async with AsyncExitStack() as stack:
        yield lambda secret: stack.enter_async_context(a_process(url, secret, kept))


@dataclass
class Crowd:
    """Clients that log in, refresh and ask at whichever process is next. `refusals` has every answer but 200."""

    processes: list[Api]
    pairs: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    turns: Any = field(default_factory=lambda: itertools.cycle([0, 1]))

    async def act(self, *, sleeps: int | None) -> None:
        """One more logs in. Of three clients one sleeps: it keeps tokens that were made several restarts ago."""
        self.pairs.append(await self.processes[next(self.turns)].log_in())
        for number, pair in enumerate(self.pairs):
            if sleeps is None or number % 3 != sleeps % 3:
                answer = await self.processes[next(self.turns)].refresh(pair["refresh_token"])
                self.judge(answer, f"client {number} refreshes")
                pair.update(answer.json())
            for process in self.processes:
                self.judge(await process.me(pair["access_token"]), f"client {number} asks")

    def judge(self, answer: httpx2.Response, what: str) -> None:
        if answer.status_code != 200:
            self.refusals.append(f"{what}: {answer.status_code}")


async def reseal(process: Api, *, at_most: int | None = None) -> list[bool]:
    """Whether each key was moved. Broken off after `at_most`."""
    async with aclosing(process.use_cases[ResealSigningKeys]()) as told:
        found = []
        async for key in told:
            found.append(key.moved)
            if len(found) == at_most:
                break
        return found


only_in_memory = pytest.mark.parametrize("start", ["memory"], indirect=True)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["one first", "other first"])
async def test_ks04_the_three_steps_in_either_order_refuse_nobody(start: Start, order: Sequence[int]) -> None:
    crowd = Crowd([await start(OLD), await start(OLD)])
    states = itertools.count()
    await crowd.act(sleeps=next(states))

    for step in (APPENDED, MOVED, NEW):
        for restarted in order:
            crowd.processes[restarted] = await start(step)
            await crowd.act(sleeps=next(states))
        if step == MOVED:
            operator = await start(MOVED)
            assert await reseal(operator, at_most=1) == [True]
            await crowd.act(sleeps=next(states))
            assert await reseal(operator) == [False, True]
            assert await reseal(operator) == [False, False]
            await crowd.act(sleeps=None)  # who does not come back in the life of a session has idled out

    assert crowd.refusals == []


@only_in_memory
async def test_ks04_without_the_first_step_a_process_refuses_what_the_other_makes(start: Start) -> None:
    crowd = Crowd([await start(OLD), await start(OLD)])
    await crowd.act(sleeps=None)

    crowd.processes[0] = await start(MOVED)
    for _ in range(3):
        await crowd.act(sleeps=None)

    assert any("refreshes: 401" in refusal for refusal in crowd.refusals)


@only_in_memory
async def test_ks04_before_everything_is_resealed_no_process_starts_with_the_new_value_alone(start: Start) -> None:
    await start(OLD)
    operator = await start(MOVED)

    with pytest.raises(NoSigningKey):
        await start(NEW)
    await reseal(operator)
    await start(NEW)


@only_in_memory
async def test_ks04_a_key_made_after_the_second_step_is_sealed_under_the_new_value(start: Start) -> None:
    operator = await start(MOVED)

    assert await reseal(operator) == [False, False]
    await start(NEW)
