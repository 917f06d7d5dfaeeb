"""Signing keys and the secret rotate under load."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx2
import jwt

from domain.signing_key import KeyPolicy
from tests.examples import SECRET
from tests.faults.clients import Crowd, Habits, crowd
from tests.faults.cluster import Cluster
from tests.faults.conftest import Scale, endings
from tests.faults.fleet import ENVIRONMENT, Process, addresses, running
from tests.faults.history import Broken, Operation, Violation
from tests.faults.table import Table
from tests.faults.verifier import Verifier
from tests.server import command

SECONDS_TO_BE_LATE = 30


async def test_f08_ks03_ks04_signing_keys_and_the_secret_rotate_under_load_and_nobody_refuses_a_token_in_its_time(
    postgresql: Cluster, tmp_path: Path, scale: Scale, table: Table
) -> None:
    policy = KeyPolicy(
        max_age=timedelta(seconds=scale.of(5, 1)),
        reload=timedelta(seconds=1),
        access=timedelta(seconds=scale.of(30, 10)),
    )
    keys = {
        "PORTUNUS_KEY_SET_MAX_AGE": _spelt(policy.max_age),
        "PORTUNUS_KEY_RELOAD": _spelt(policy.reload),
        "PORTUNUS_ACCESS_TOKEN_LIFETIME": _spelt(policy.access),
    }
    rotations, secret = scale.of(10, 1), SECRET
    async with (
        running(postgresql.url, tmp_path, env=keys) as processes,
        crowd(addresses(processes), scale.of(64, 16)) as clients,
        clients.at_work(Habits(log_outs=0, pause=0.3)),
    ):
        verifier = Verifier(clients, issuer=ENVIRONMENT["PORTUNUS_ISSUER"])
        done = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            verifying = tasks.create_task(_verify_until(done, clients, verifier, policy.access))
            await _until_a_new_key_signs(verifier, set(), policy)
            first = clients.clients[0].access_token
            for _ in scale.times(rotations, rotations):
                known = set(verifier.kids)
                env = {**ENVIRONMENT, **keys, "PORTUNUS_SECRET_KEY": secret}
                await asyncio.to_thread(command, "keys", "rotate", url=postgresql.url, cwd=tmp_path, env=env)
                newer = secrets.token_hex(32)
                await _change_the_secret(secret, newer, processes, clients, postgresql, tmp_path, env)
                secret = newer
                await _until_a_new_key_signs(verifier, known, policy)
            retired = [await _answer_when_retired(process, first, policy) for process in processes]
            done.set()
        refused_here = await verifying

    refused = [Violation(Broken.LIE, "", f"a verifier refused a token: {why}") for why in verifier.refused]
    row = table.judge(
        "F-08",
        "Signing keys and the secret rotate; a service verifies offline behind a cache, each keeping the keys for max-age",
        clients.history,
        endings=await endings(postgresql),
        faults=2 * rotations,
        also=[*refused, *refused_here],
    )
    assert row.broken == []
    assert [act for act in clients.history if act.status == 401] == []
    assert len(verifier.kids) >= rotations + 1
    assert retired == [401, 401]


async def _change_the_secret(
    old: str, new: str, processes: Sequence[Process], clients: Crowd, server: Cluster, folder: Path, env: dict[str, str]
) -> None:
    """In the three steps of docs/operating.md: the processes one after the other in each."""
    for ring in (f"{old},{new}", f"{new},{old}"):
        for process in processes:
            await process.restart(PORTUNUS_SECRET_KEY=ring)
    await asyncio.to_thread(
        command, "keys", "reseal", url=server.url, cwd=folder, env={**env, "PORTUNUS_SECRET_KEY": f"{new},{old}"}
    )
    await asyncio.sleep(1.5)  # by when each process has read the resealed ring
    await _until_all_have_refreshed(clients, since=time.monotonic())
    for process in processes:
        await process.restart(PORTUNUS_SECRET_KEY=new)


async def _until_all_have_refreshed(clients: Crowd, *, since: float) -> None:
    async with asyncio.timeout(SECONDS_TO_BE_LATE):
        while len(_refreshed(clients, since)) < len(clients.clients):  # noqa: ASYNC110 - looked at in passing
            await asyncio.sleep(0.05)


def _refreshed(clients: Crowd, since: float) -> set[int]:
    acts = (act for act in reversed(clients.history) if act.sent >= since)
    return {act.client for act in acts if act.operation is Operation.REFRESH and act.succeeded}


async def _verify_until(done: asyncio.Event, clients: Crowd, verifier: Verifier, lifetime: timedelta) -> list[Violation]:
    """Every client's newest token offline, and older ones that are still good, offline and at Portunus's own routes."""
    older: deque[tuple[float, str]] = deque()
    refused = []
    while not done.is_set():
        now = time.monotonic()
        for client in clients.clients:
            older.append((now + 0.7 * lifetime.total_seconds(), client.access_token))
            await verifier.verify(client.access_token)
        while older[0][0] < now:
            older.popleft()
        _, token = older[secrets.randbelow(len(older))]
        await verifier.verify(token)
        _, _, answer = await clients.send("GET", "/users/me", headers={"Authorization": f"Bearer {token}"})
        if answer is not None and answer.status_code != 200:
            refused.append(Violation(Broken.LIE, "", f"an access token in its time: {answer.status_code}"))
        await asyncio.sleep(0.05)
    return refused


async def _until_a_new_key_signs(verifier: Verifier, known: set[str], policy: KeyPolicy) -> None:
    async with asyncio.timeout(policy.announced_for.total_seconds() + SECONDS_TO_BE_LATE):
        while not set(verifier.kids) - known:  # noqa: ASYNC110 - looked at in passing
            await asyncio.sleep(0.05)


async def _answer_when_retired(process: Process, token: str, policy: KeyPolicy) -> int:
    """To a token whose key is published no more."""
    kid = jwt.get_unverified_header(token)["kid"]
    async with httpx2.AsyncClient(base_url=process.address) as http:
        async with asyncio.timeout(policy.verifies_for.total_seconds() + SECONDS_TO_BE_LATE):
            while kid in (await http.get("/.well-known/jwks.json")).text:  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.2)
        return (await http.get("/users/me", headers={"Authorization": f"Bearer {token}"})).status_code


def _spelt(span: timedelta) -> str:
    return str(int(span.total_seconds()))
