import asyncio
from pathlib import Path

import httpx2

from tests.databases import Databases
from tests.examples import SECRET
from tests.journeys.conftest import Client
from tests.server import serving


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
