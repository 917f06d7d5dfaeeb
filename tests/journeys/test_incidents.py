"""What went wrong with refresh tokens elsewhere, and does not here. docs/security-bar.md has what each of these was."""

import asyncio
import signal
import socket
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from adapters.sql.migrate import upgrade
from tests.databases import Databases
from tests.examples import SECRET
from tests.journeys.conftest import Client
from tests.server import serving

Clients = tuple[Client, Client]
ENVIRONMENT = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_ISSUER": "http://127.0.0.1:8000"}


async def test_rotation_atomic(clients: Clients, databases: Databases, shared_database: str) -> None:
    await clients[0].sign_up("atomic")
    token = (await clients[0].log_in("atomic"))["refresh_token"]

    for _ in range(5):
        answers = await asyncio.gather(*(clients[n % 2].refresh(token) for n in range(20)))

        assert Counter(answer.status_code for answer in answers) == {200: 20}
        [token] = {answer.json()["refresh_token"] for answer in answers}

    assert await _counters(databases, shared_database, "atomic") == [5]


async def test_two_tabs(clients: Clients) -> None:
    await clients[0].sign_up("tabs")
    token = (await clients[0].log_in("tabs"))["refresh_token"]

    for _ in range(10):
        first, second = await asyncio.gather(*(client.refresh(token) for client in clients))
        late = await clients[0].refresh(token)

        assert (first.status_code, second.status_code, late.status_code) == (200, 200, 200)
        [token] = {answer.json()["refresh_token"] for answer in (first, second, late)}
        for answer in (first, second, late):
            assert (await clients[1].me(answer.json()["access_token"])).status_code == 200


async def test_rt05_lost_answer(
    clients: Clients, addresses: tuple[str, str], databases: Databases, shared_database: str
) -> None:
    await clients[0].sign_up("unlucky")
    token = (await clients[0].log_in("unlucky"))["refresh_token"]

    await asyncio.to_thread(_send_and_hang_up, addresses[0], token)
    for _ in range(200):
        if await _counters(databases, shared_database, "unlucky") == [1]:
            break
        await asyncio.sleep(0.05)
    again, once_more = await clients[0].refresh(token), await clients[1].refresh(token)

    assert (again.status_code, once_more.status_code) == (200, 200)
    assert again.json()["refresh_token"] == once_more.json()["refresh_token"]
    assert await _counters(databases, shared_database, "unlucky") == [1]
    assert (await clients[1].refresh(again.json()["refresh_token"])).status_code == 200


async def test_rt06_grace_not_extendable(clients: Clients, databases: Databases, shared_database: str) -> None:
    await clients[0].sign_up("walker")
    parent = (await clients[0].log_in("walker"))["refresh_token"]
    newest = (await clients[0].refresh(parent)).json()["refresh_token"]
    statuses = []

    for _ in range(4):
        statuses.append((await clients[0].refresh(parent)).status_code)
        await databases.age(shared_database, timedelta(seconds=9))
    statuses.append((await clients[1].refresh(parent)).status_code)

    assert statuses == [200, 200, 200, 200, 401]  # 0, 9, 18, 27 and 36 s after the rotation
    assert (await clients[0].refresh(newest)).status_code == 401


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_rt13_reuse_survives_restart(engine: str, databases: Databases, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/portunus.db" if engine == "sqlite" else await databases.make(migrated=False)
    await upgrade(url)
    tokens = []

    with serving(url, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            tokens.append(await client.log_in("johndoe"))
            for _ in range(2):
                tokens.append((await client.refresh(tokens[-1]["refresh_token"])).json())
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving(url, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            grandparent = await Client(http).refresh(tokens[0]["refresh_token"])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving(url, tmp_path, **ENVIRONMENT) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            family = [await client.refresh(pair["refresh_token"]) for pair in reversed(tokens)]
            access = await client.me(tokens[2]["access_token"])

    assert grandparent.status_code == 401
    assert [answer.status_code for answer in family] == [401, 401, 401]
    assert access.status_code == 401


async def _counters(databases: Databases, url: str, name: str) -> list[int]:
    rows = await databases.fetch(
        url,
        f"SELECT counter FROM sessions JOIN users ON users.id = user_id WHERE username_key = '{name}'",  # noqa: S608 - ours
    )
    return [row["counter"] for row in rows]


def _send_and_hang_up(address: str, token: str) -> None:
    place = urlsplit(address)
    body = f"refresh_token={token}".encode()
    head = (
        b"POST /refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    )
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        connection.sendall(head + body)
