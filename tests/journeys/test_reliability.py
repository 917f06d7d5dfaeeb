"""What clients see of a database that is away or deaf, of a stop, of kill -9 and of clocks that are wrong."""

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.sql.migrate import upgrade
from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.journeys.conftest import Client
from tests.server import PORTUNUS, Server, free_port, launched, serving

ENVIRONMENT = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_ISSUER": "http://127.0.0.1:8000"}
NEEDS_NO_DATABASE = {"/health/live", "/.well-known/jwks.json"}
OPENAPI = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/portunus.db"
        await upgrade(url)
        return url
    databases: Databases = request.getfixturevalue("databases")
    return await databases.make()


@pytest.fixture
async def deaf_database() -> AsyncIterator[str]:
    """The URL of what takes connections and never says a word."""
    connected = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"postgresql://postgres@127.0.0.1:{server.sockets[0].getsockname()[1]}/portunus"
    server.close()
    for writer in connected:
        writer.close()


async def test_rl01_rl02_while_the_database_is_away_all_is_503_and_afterwards_every_token_works(
    databases: Databases, tmp_path: Path
) -> None:
    database = await databases.make()
    with serving(database, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            tokens, others = await client.log_in("johndoe"), await client.log_in("johndoe")
            await client.me(tokens["access_token"])

            await take_away(databases, database)
            away = {name: await answered for name, answered in every_operation(http, tokens).items()}
            without = {path: (await http.get(path)).status_code for path in NEEDS_NO_DATABASE}
            forged = await client.refresh("prt_" + "A" * 116)
            await databases.configure(database, "ALLOW_CONNECTIONS true")

            me = [await client.me(pair["access_token"]) for pair in (tokens, others)]
            refreshed = [await client.refresh(pair["refresh_token"]) for pair in (tokens, others)]

    for name, answer in away.items():
        assert answer.status_code == 503, name
        assert int(answer.headers["Retry-After"]) >= 1, name
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["code"] == "storage_unavailable", name
    assert len(away) >= 6
    assert without == dict.fromkeys(NEEDS_NO_DATABASE, 200)
    assert forged.status_code == 401  # found out without the database
    assert [answer.status_code for answer in me + refreshed] == [200] * 4


async def test_rl03_what_was_answered_is_there_after_kill_9(database: str, tmp_path: Path) -> None:
    with serving(database, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            left, stays = await client.log_in("johndoe"), await client.log_in("johndoe")
            await client.log_out(left["access_token"])
            newest = (await client.refresh((await client.refresh(stays["refresh_token"])).json()["refresh_token"])).json()
            signed_up = await client.sign_up("at-the-last-moment")
            kill(server)

    with serving(database, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            assert signed_up.status_code == 201
            assert await client.log_in("at-the-last-moment")
            assert (await client.me(left["access_token"])).status_code == 401
            assert (await client.refresh(left["refresh_token"])).status_code == 401
            assert (await client.me(newest["access_token"])).status_code == 200
            assert (await client.refresh(newest["refresh_token"])).status_code == 200


async def test_rl04_the_pool_is_whole_after_every_backend_has_died(databases: Databases, tmp_path: Path) -> None:
    database = await databases.make()

    with serving(database, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            tokens = await client.log_in("johndoe")
            await asyncio.gather(*(client.me(tokens["access_token"]) for _ in range(30)))

            await databases.terminate(database)
            answers = await asyncio.gather(*(client.me(tokens["access_token"]) for _ in range(30)))
            afterwards = [await client.me(tokens["access_token"]) for _ in range(10)]

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert {answer.status_code for answer in afterwards} == {200}


async def test_rl05_f03_a_database_that_never_answers_is_503_within_seconds(deaf_database: str, tmp_path: Path) -> None:
    with serving(deaf_database, tmp_path, until="/health/live", **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            asked = [
                http.get("/health/ready"),
                http.post("/token", data={"username": "johndoe", "password": PASSWORD}),
                Client(http).sign_up("johndoe"),
            ]
            began = time.monotonic()
            answers = await asyncio.gather(*(timed(answer, began) for answer in asked))

    for answer, seconds in answers:
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert seconds < 8


async def test_rl07_a_stop_answers_all_that_was_accepted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/portunus.db"
    await upgrade(url)

    installed = (PORTUNUS, "serve")
    with launched(url, tmp_path, port=free_port(), until="/health/ready", env=ENVIRONMENT, command=installed) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            await Client(http).sign_up("johndoe")
            logging_in = [asyncio.create_task(Client(http).log_in("johndoe")) for _ in range(8)]
            await asyncio.wait(logging_in, return_when=asyncio.FIRST_COMPLETED)
            under_way = sum(not task.done() for task in logging_in)
            server.process.send_signal(signal.SIGTERM)
            tokens = await asyncio.gather(*logging_in)
        exit_code = await asyncio.to_thread(server.process.wait, 20)

    assert under_way >= 2
    assert len({pair["refresh_token"] for pair in tokens}) == 8
    assert exit_code == 0


async def test_rl08_a_server_that_started_first_is_ready_within_two_seconds_of_its_database(
    databases: Databases, tmp_path: Path
) -> None:
    database = await databases.make()
    await databases.configure(database, "ALLOW_CONNECTIONS false")

    with serving(database, tmp_path, until="/health/live", **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            before = await http.get("/health/ready")
            await asyncio.sleep(1)
            assert (await http.get("/health/live")).status_code == 200

            await databases.configure(database, "ALLOW_CONNECTIONS true")
            began = time.monotonic()
            while (await http.get("/health/ready", timeout=5)).status_code != 200:
                assert time.monotonic() < began + 20
                await asyncio.sleep(0.02)
            seconds = time.monotonic() - began
            signed_up = await Client(http).sign_up("johndoe")

    assert before.status_code == 503
    assert seconds < 2
    assert signed_up.status_code == 201


def every_operation(http: httpx2.AsyncClient, tokens: dict[str, Any]) -> dict[str, Any]:
    """A good request to each operation that needs the database: what takes a bearer token needs no more than that."""
    refresh = {"refresh_token": tokens["refresh_token"]}
    body = {"username": "other", "email": "other@example.com", "password": PASSWORD}
    asked: dict[str, Any] = {
        "ready": http.get("/health/ready"),
        "log in": http.post("/token", data={"username": "johndoe", "password": PASSWORD}),
        "sign up": http.post("/signup", json=body),
        "refresh": http.post("/refresh", json=refresh),
        "refresh at /token": http.post("/token", data={"grant_type": "refresh_token", **refresh}),
        "log out by refresh token": http.post("/logout", json=refresh),
    }
    for path, operations in OPENAPI["paths"].items():
        for method, operation in operations.items():
            if {"Bearer": []} in operation.get("security", ()):
                sent = http.request(
                    method,
                    re.sub(r"\{\w+\}", "01a20e6c-ae10-77cc-8912-62dd01a7275a", path),
                    headers={"Authorization": f"Bearer {tokens['access_token']}"},
                )
                asked[f"{method} {path}"] = sent
    return asked


async def take_away(databases: Databases, database: str) -> None:
    await databases.configure(database, "ALLOW_CONNECTIONS false")
    await databases.terminate(database)


async def timed(answer: Any, began: float) -> tuple[httpx2.Response, float]:
    return await answer, time.monotonic() - began


def kill(server: Server) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
