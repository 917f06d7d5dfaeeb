"""Guessing against two processes on one PostgreSQL, with the limits as they are by default."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.examples import PASSWORD, SECRET
from tests.journeys.conftest import Client
from tests.server import serving

Clients = tuple[Client, Client]


@pytest.fixture(scope="module")
def addresses(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    guarded = {
        "PORTUNUS_SECRET_KEY": SECRET,
        "PORTUNUS_ISSUER": "http://127.0.0.1:8000",
        "PORTUNUS_THROTTLE": "on",
        "PORTUNUS_TRUSTED_PROXIES": "127.0.0.1/32",
        "PORTUNUS_ARGON2_MEMORY": "64",  # how many are let in at once is tried, and not how fast a busy machine hashes
        "PORTUNUS_ARGON2_TIME": "1",
    }
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    with serving(shared_database, folders[0], **guarded) as one, serving(shared_database, folders[1], **guarded) as other:
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


async def test_ac07_ac08_parallel_guesses(clients: Clients) -> None:
    await clients[0].sign_up("guessed")

    answered = await guesses(clients, "guessed", ["not the password at all"] * 50)

    assert answered == {401: 5, 429: 45}


async def test_ac09_parallel_correct_logins(clients: Clients) -> None:
    await clients[0].sign_up("twenty")

    answered = await guesses(clients, "twenty", [PASSWORD] * 20)

    assert answered == {200: 20}
