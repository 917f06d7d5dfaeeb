"""Two processes on one PostgreSQL, one of whose clocks is wrong: over HTTP, without servers in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx2
import pytest
from dependency_injector import providers
from pydantic import SecretStr

from adapters.clock import SystemClock
from application.keys.prepare_signing_key import PrepareSigningKey
from entrypoints.container.root import build, store_of, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import SECRET
from tests.http.api import Api

AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


class WrongClock:
    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return SystemClock().now() + self._ahead


@pytest.fixture
async def database(databases: Databases) -> str:
    return await databases.make()


@asynccontextmanager
async def a_process(database: str, *, ahead: timedelta = timedelta(0)) -> AsyncIterator[Api]:
    settings = Settings(
        env="development",
        database_url=SecretStr(database),
        secret_key=SecretStr(SECRET),
        argon2_memory=64,
        argon2_time=1,
    ).with_defaults()
    container = build(settings)
    container.adapters.clock.override(providers.Object(WrongClock(ahead)))
    use_cases = use_cases_of(container)
    await use_cases[PrepareSigningKey]()
    app = create_app(use_cases)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://portunus") as http:
        yield Api(app, http, use_cases, container)
    await store_of(container).close()


@pytest.mark.parametrize("seconds", [-120, 120])
async def test_rl10_f10_two_minutes_log_nobody_out(database: str, seconds: int) -> None:
    async with a_process(database) as right, a_process(database, ahead=timedelta(seconds=seconds)) as wrong:
        tokens = await right.log_in()
        for step in range(6):
            one, other = (right, wrong) if step % 2 else (wrong, right)
            refreshed = await one.refresh(tokens["refresh_token"])
            repeated = await other.refresh(tokens["refresh_token"])

            assert (refreshed.status_code, repeated.status_code) == (200, 200)
            assert repeated.json()["refresh_token"] == refreshed.json()["refresh_token"]
            tokens = refreshed.json()
            assert (await right.me(tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("ahead", [-A_DAY, A_DAY])
async def test_rl10_f10_a_day_ends_no_session(database: str, ahead: timedelta) -> None:
    async with a_process(database) as right, a_process(database, ahead=ahead) as wrong:
        tokens = await right.log_in()

        refreshed = await wrong.refresh(tokens["refresh_token"])
        again = await right.refresh(refreshed.json()["refresh_token"])

        assert (refreshed.status_code, again.status_code) == (200, 200)
        assert (await right.me(again.json()["access_token"])).status_code == 200


async def test_rl10_f10_an_access_token_that_has_expired_does_not_revive_a_day_before(database: str) -> None:
    async with a_process(database) as right:
        tokens = await right.log_in()
    async with a_process(database, ahead=AN_HOUR) as later, a_process(database, ahead=AN_HOUR - A_DAY) as lagging:
        answers = [await process.me(tokens["access_token"]) for process in (later, lagging)]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize("ahead", [-40 * A_DAY, timedelta(0)])
async def test_rl10_f10_a_clock_that_lags_revives_no_session(database: str, databases: Databases, ahead: timedelta) -> None:
    async with a_process(database, ahead=ahead) as process:
        tokens = await process.log_in()
        await databases.execute(database, "UPDATE sessions SET rotated_at = rotated_at - interval '8 days'")

        assert (await process.refresh(tokens["refresh_token"])).status_code == 401
        assert (await process.me(tokens["access_token"])).status_code == 401
