"""A server that is killed in the middle of whatever it does, again and again."""

import asyncio
import secrets
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx2

from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.journeys.conftest import Client
from tests.server import Server, serving

KILLS = 2
PEOPLE = 12
CHEAP = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_ARGON2_MEMORY": "64", "PORTUNUS_ARGON2_TIME": "1"}
ACTS = """
SELECT 'sign_up' AS action, id AS user_id, NULL AS session_id, 1 AS times FROM users
UNION ALL SELECT 'login', user_id, id, 1 FROM sessions
UNION ALL SELECT 'logout', user_id, id, 1 FROM sessions WHERE end_reason = 'logout'
UNION ALL SELECT 'password_change', id, NULL, generation FROM users WHERE generation > 0
"""
ENTRIES = """
SELECT action, user_id, CASE WHEN action <> 'password_change' THEN session_id END AS session_id, times FROM audit_entries
WHERE action IN ('sign_up', 'login', 'logout', 'password_change')
"""


async def act_until_it_breaks(http: httpx2.AsyncClient, answered: Counter[str]) -> None:
    client = Client(http)

    async def change_password(token: str) -> httpx2.Response:
        passwords = {"current_password": PASSWORD, "password": "another horse battery staple"}
        return await http.post("/users/me/password", json=passwords, headers={"Authorization": f"Bearer {token}"})

    with suppress(httpx2.TransportError):
        while True:
            name = f"p{secrets.token_hex(8)}"
            assert (await client.sign_up(name)).status_code == 201
            answered["sign_up"] += 1
            tokens = [(await client.log_in(name))["access_token"] for _ in range(2)]
            answered["login"] += 2
            assert (await client.log_out(tokens[0])).status_code == 204
            answered["logout"] += 1
            assert (await change_password(tokens[1])).status_code == 204
            answered["password_change"] += 1


async def kill_amid_acts(server: Server, answered: Counter[str]) -> None:
    enough = answered.total() + 7 * PEOPLE + secrets.randbelow(4 * PEOPLE)
    async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
        acting = [asyncio.create_task(act_until_it_breaks(http, answered)) for _ in range(PEOPLE)]
        while answered.total() < enough and not any(task.done() for task in acting):  # noqa: ASYNC110 - many count
            await asyncio.sleep(secrets.randbelow(5) / 1000)
        server.process.kill()
        await asyncio.gather(*acting)


async def until_the_database_has_noticed(databases: Databases, url: str) -> None:
    others = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    async with asyncio.timeout(20):
        while await databases.fetch(url, others):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def counted(databases: Databases, url: str, query: str) -> Counter[tuple[object, ...]]:
    counts: Counter[tuple[object, ...]] = Counter()
    for row in await databases.fetch(url, query):
        counts[row["action"], row["user_id"], row["session_id"]] += row["times"]
    return counts


async def test_ks08_a_server_killed_between_an_act_and_its_entry_leaves_both_or_neither(
    databases: Databases, tmp_path: Path
) -> None:
    url = await databases.make()
    answered: Counter[str] = Counter()

    for _ in range(KILLS):
        with serving(url, tmp_path, **CHEAP) as server:
            await kill_amid_acts(server, answered)
        await until_the_database_has_noticed(databases, url)

    acts = await counted(databases, url, ACTS)
    assert acts == await counted(databases, url, ENTRIES)
    assert {action for action, *_ in acts} == set(answered) == {"sign_up", "login", "logout", "password_change"}
    assert acts.total() >= answered.total()
