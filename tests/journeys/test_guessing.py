"""Guessing against two processes on one PostgreSQL, with the limits as they are by default."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.journeys.conftest import Client
from tests.server import serving

Clients = tuple[Client, Client]


GUARDED = {
    "PORTUNUS_SECRET_KEY": SECRET,
    "PORTUNUS_ISSUER": "http://127.0.0.1:8000",
    "PORTUNUS_THROTTLE": "on",
    "PORTUNUS_TRUSTED_PROXIES": "127.0.0.1/32",
    "PORTUNUS_ARGON2_MEMORY": "64",  # how many are let in at once is tried, and not how fast a busy machine hashes
    "PORTUNUS_ARGON2_TIME": "1",
}


@pytest.fixture(scope="module")
def addresses(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with serving(shared_database, folders[0], **GUARDED) as one, serving(shared_database, folders[1], **GUARDED) as other:
        yield one.address, other.address


async def guesses(clients: Clients, name: str, passwords: list[str]) -> Counter[int]:
    """How they are answered at once, each from an address of its own."""
    answers = await asyncio.gather(
        *(
            clients[number % 2].http.post(
                "/token", data={"username": name, "password": password}, headers={"X-Forwarded-For": f"203.0.113.{number}"}
            )
            for number, password in enumerate(passwords)
        )
    )
    return Counter(answer.status_code for answer in answers)


async def test_ks08_what_was_refused_in_the_last_minute_is_in_the_record_after_a_graceful_stop(
    databases: Databases, tmp_path: Path
) -> None:
    database = await databases.make()
    with serving(database, tmp_path, **GUARDED) as stopped:
        async with httpx2.AsyncClient(base_url=stopped.address, timeout=20) as http:
            for _ in range(30):
                await http.post("/token", data={"username": "nobody-here", "password": "not the password at all"})

    told = await databases.fetch(database, "SELECT target, times FROM audit_entries WHERE action = 'throttle'")
    assert sum(row["times"] for row in told) == 25
    assert {row["target"] for row in told} == {"account"}


async def test_ac07_ac08_parallel_guesses(clients: Clients) -> None:
    await clients[0].sign_up("guessed")

    answered = await guesses(clients, "guessed", ["not the password at all"] * 50)

    assert answered == {401: 5, 429: 45}


async def test_ac09_parallel_correct_logins(clients: Clients) -> None:
    await clients[0].sign_up("twenty")

    answered = await guesses(clients, "twenty", [PASSWORD] * 20)

    assert answered == {200: 20}
