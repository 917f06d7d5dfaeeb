"""Signing keys rotate under load."""

import asyncio
import secrets
import time
from collections import deque
from pathlib import Path

from tests.faults.clients import Crowd, Habits, crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import ENVIRONMENT, addresses, running
from tests.faults.history import Broken, Violation
from tests.faults.table import Table
from tests.faults.verifier import Verifier
from tests.server import command

LIFETIME = 30
KEYS = {"PORTUNUS_KEY_SET_MAX_AGE": "1", "PORTUNUS_KEY_RELOAD": "1", "PORTUNUS_ACCESS_TOKEN_LIFETIME": str(LIFETIME)}
SECONDS_TO_TAKE_OVER = 40  # 8 by these settings


async def test_f08_ks03_signing_keys_rotate_under_load_and_nobody_who_keeps_the_key_set_as_told_refuses_a_token(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    rotations = scale.of(10, 2)
    async with (
        running(postgresql.url, tmp_path, env=KEYS) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(log_outs=0, pause=0.3)),
    ):
        verifier = Verifier(clients.addresses, clients.http, issuer=ENVIRONMENT["PORTUNUS_ISSUER"])
        done = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            verifying = tasks.create_task(_verify_until(done, clients, verifier))
            await _until_a_new_key_signs(verifier, set())
            for _ in scale.times(rotations, rotations):
                known = set(verifier.kids)
                await asyncio.to_thread(
                    command, "keys", "rotate", url=postgresql.url, cwd=tmp_path, env={**ENVIRONMENT, **KEYS}
                )
                await _until_a_new_key_signs(verifier, known)
            done.set()
        refused_here = await verifying

    refused = [Violation(Broken.LIE, "", f"a verifier refused a token: {why}") for why in verifier.refused]
    row = table.judge(
        "F-08",
        "Signing keys rotate; a service verifies offline behind a cache, each keeping the keys for max-age",
        clients.history,
        endings=await endings(postgresql),
        faults=rotations,
        also=[*refused, *refused_here],
    )
    assert row.broken == []
    assert len(verifier.kids) >= rotations + 1


async def _verify_until(done: asyncio.Event, clients: Crowd, verifier: Verifier) -> list[Violation]:
    """Every client's newest token offline, and older ones that are still good, offline and at Portunus's own routes."""
    older: deque[tuple[float, str]] = deque()
    refused = []
    while not done.is_set():
        now = time.monotonic()
        for client in clients.clients:
            older.append((now + LIFETIME - 8, client.access_token))
            await verifier.verify(client.access_token)
        while older[0][0] < now:
            older.popleft()
        _, token = older[secrets.randbelow(len(older))]
        await verifier.verify(token)
        answer = await clients.http.get(
            f"{secrets.choice(clients.addresses)}/users/me", headers={"Authorization": f"Bearer {token}"}
        )
        if answer.status_code != 200:
            refused.append(Violation(Broken.LIE, "", f"an access token in its time: {answer.status_code}"))
        await asyncio.sleep(0.05)
    return refused


async def _until_a_new_key_signs(verifier: Verifier, known: set[str]) -> None:
    async with asyncio.timeout(SECONDS_TO_TAKE_OVER):
        while not set(verifier.kids) - known:  # noqa: ASYNC110 - looked at in passing
            await asyncio.sleep(0.05)
