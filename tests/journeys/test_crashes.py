import asyncio
import secrets
import signal
from pathlib import Path

import httpx2
import pytest

from adapters.sql.migrate import upgrade
from tests.databases import Databases
from tests.examples import SECRET
from tests.journeys.conftest import Client
from tests.server import serving

CLIENTS = 8
CRASHES = 4


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/portunus.db"
        await upgrade(url)
        return url
    databases: Databases = request.getfixturevalue("databases")
    return await databases.make()


async def test_f01_kill_9_at_any_moment_of_a_refresh_leaves_every_client_a_token_that_works(
    database: str, tmp_path: Path
) -> None:
    environment = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_ISSUER": "http://127.0.0.1:8000"}
    known: list[str] = []

    for crash in range(CRASHES):
        with serving(database, tmp_path, **environment) as server:
            async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
                client = Client(http)
                if crash == 0:
                    await client.sign_up("johndoe")
                    known = [(await client.log_in("johndoe"))["refresh_token"] for _ in range(CLIENTS)]

                working = asyncio.gather(*(_refresh_until_the_crash(client, known, index) for index in range(CLIENTS)))
                await asyncio.sleep(0.05 + secrets.randbelow(200) / 1000)
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
                async with asyncio.timeout(20):
                    await working

    with serving(database, tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            answers = [await Client(http).refresh(token) for token in known]
    assert [answer.status_code for answer in answers] == [200] * CLIENTS


async def test_f03_a_database_that_is_away_is_503_and_never_401(tmp_path: Path) -> None:
    environment = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_ISSUER": "http://127.0.0.1:8000"}

    with serving("postgresql://postgres@127.0.0.1:1/nowhere", tmp_path, until="/health/live", **environment) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            answers = [
                await http.get("/health/ready"),
                await http.post("/token", data={"username": "johndoe", "password": "whatever it may be"}),
                await client.sign_up("johndoe"),
                await client.refresh("prt_" + "A" * 116),
                await http.get("/health/live"),
            ]

    assert [answer.status_code for answer in answers] == [503, 503, 503, 401, 200]
    for answer in answers[:3]:
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["code"] == "storage_unavailable"


async def test_rl04_the_pool_is_whole_after_every_backend_has_died(databases: Databases, tmp_path: Path) -> None:
    database = await databases.make()
    environment = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_ISSUER": "http://127.0.0.1:8000"}

    with serving(database, tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            tokens = await client.log_in("johndoe")
            await asyncio.gather(*(client.me(tokens["access_token"]) for _ in range(30)))

            await databases.execute(
                database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            answers = await asyncio.gather(*(client.me(tokens["access_token"]) for _ in range(30)))
            afterwards = [await client.me(tokens["access_token"]) for _ in range(10)]

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert {answer.status_code for answer in afterwards} == {200}


async def _refresh_until_the_crash(client: Client, known: list[str], index: int) -> None:
    while True:
        try:
            answer = await client.refresh(known[index])
        except httpx2.TransportError:
            return
        assert answer.status_code == 200, answer.text
        known[index] = answer.json()["refresh_token"]
