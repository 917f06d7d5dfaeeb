"""Real server processes, and clients that talk to them over loopback."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.server import serving


@dataclass(frozen=True, slots=True)
class Client:
    """A REST client as anybody would write it."""

    http: httpx2.AsyncClient

    async def sign_up(self, name: str) -> httpx2.Response:
        body = {"username": name, "email": "someone@example.com", "password": PASSWORD}
        return await self.http.post("/signup", json=body)

    async def log_in(self, name: str) -> dict[str, Any]:
        answer = await self.http.post("/token", data={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.http.post("/refresh", json={"refresh_token": token})

    async def me(self, token: str) -> httpx2.Response:
        return await self.http.get("/users/me", headers={"Authorization": f"Bearer {token}"})

    async def log_out(self, token: str) -> httpx2.Response:
        return await self.http.post("/logout", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
async def shared_database(databases: Databases) -> str:
    return await databases.make()


@pytest.fixture(scope="module")
def addresses(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two processes on one PostgreSQL. They are shared by a module's tests, which therefore use names of their own.

    A hash costs next to nothing: twenty at once at the price of production are too many for a machine that has other work.
    """
    shared = {
        "PORTUNUS_SECRET_KEY": SECRET,
        "PORTUNUS_ISSUER": "http://127.0.0.1:8000",
        "PORTUNUS_ARGON2_MEMORY": "64",
        "PORTUNUS_ARGON2_TIME": "1",
    }
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with serving(shared_database, folders[0], **shared) as one, serving(shared_database, folders[1], **shared) as other:
        yield one.address, other.address


@pytest.fixture
async def clients(addresses: tuple[str, str]) -> AsyncIterator[tuple[Client, Client]]:
    async with (
        httpx2.AsyncClient(base_url=addresses[0], timeout=20) as one,
        httpx2.AsyncClient(base_url=addresses[1], timeout=20) as other,
    ):
        yield Client(one), Client(other)
