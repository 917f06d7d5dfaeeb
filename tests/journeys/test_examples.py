import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import jwt
import pytest

from tests.journeys.conftest import Client
from tests.server import PORTUNUS, Server, environment, free_port, migrate, serving

_BUSY = 3  # how many times longer things may take where others are at work too
EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def protected_service(issuer: str, **env: str) -> Iterator[str]:
    """The service of examples/, as its first lines say to start it; its address."""
    port = free_port()
    words = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "protected_service:app", "--port", str(port)]
    env = {"PATH": os.environ["PATH"], "PORTUNUS_ISSUER": issuer, **env}
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not _answers(f"http://127.0.0.1:{port}/docs"):
            assert process.poll() is None
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """Portunus, and the address of a service that trusts it."""
    folder = tmp_path_factory.mktemp("portunus")
    with (
        serving("memory://", folder, PORTUNUS_LOG_LEVEL="debug") as server,
        protected_service(server.address) as service,
    ):
        yield server, service


def test_the_script_with_curl_ends_well(tmp_path: Path) -> None:
    with serving("memory://", tmp_path) as server:
        done = subprocess.run(
            ["sh", EXAMPLES / "curl.sh", server.address], capture_output=True, text=True, check=False, timeout=30
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "Who am I now? 401"


async def test_the_protected_service_takes_access_tokens_and_nothing_else_and_needs_portunus_for_the_keys_only(
    tmp_path: Path,
) -> None:
    with serving("memory://", tmp_path) as server, protected_service(server.address) as service:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            await Client(http).sign_up("johndoe")
            tokens = await Client(http).log_in("johndoe")
            me = await Client(http).me(tokens["access_token"])
        answers = [
            await _greet(service, token) for token in (None, tokens["refresh_token"], tokens["access_token"] + "x", "x.y.z")
        ]
        before = await _greet(service, tokens["access_token"])
        server.process.kill()
        server.process.wait()
        after = await _greet(service, tokens["access_token"])

    assert [answer.status_code for answer in answers] == [401] * 4
    assert (before.status_code, after.status_code) == (200, 200)
    assert before.json() == {"greeting": f"Hello, {me.json()['id']}."}


async def test_the_protected_service_says_503_while_it_has_no_keys(tmp_path: Path) -> None:
    with serving("memory://", tmp_path) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            await Client(http).sign_up("johndoe")
            tokens = await Client(http).log_in("johndoe")

    with protected_service(server.address) as service:
        answer = await _greet(service, tokens["access_token"])

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_the_protected_service_drops_a_revoked_token_within_two_seconds_and_no_other(running: tuple[Server, str]) -> None:
    server, service = running
    took = []
    async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
        await Client(http).sign_up("johndoe")
        *revoked, other = [(await Client(http).log_in("johndoe"))["access_token"] for _ in range(4)]
        before = {(await _greet(service, token)).status_code for token in (*revoked, other)}
        for token in revoked:
            await Client(http).log_out(token)
            began = time.monotonic()
            while time.monotonic() - began < 2 * _BUSY and (await _greet(service, token)).status_code == 200:
                pass
            took.append(time.monotonic() - began)
    after = [(await _greet(service, token)).status_code for token in (*revoked, other)]

    assert (before, after) == ({200}, [401, 401, 401, 200])
    assert sorted(took)[1] < 2  # of three one may meet others at work


async def test_the_protected_service_does_not_ask_for_the_keys_whenever_somebody_makes_one_up(
    running: tuple[Server, str],
) -> None:
    server, service = running
    made_up = [jwt.encode({}, "", "none", headers={"typ": "at+jwt", "kid": f"kid-{number}"}) for number in range(20)]
    before = server.log_path.read_text().count("/.well-known/jwks.json")

    answers = {(await _greet(service, token)).status_code for token in made_up}

    asked = server.log_path.read_text().count("/.well-known/jwks.json") - before
    assert answers == {401}
    assert 1 <= asked <= 2 + _BUSY


async def test_where_the_feed_stands_still_the_protected_service_says_503_or_asks_as_it_is_told(tmp_path: Path) -> None:
    database, always = f"sqlite:///{tmp_path}/portunus.db", {"PORTUNUS_MAX_STALE": "0"}
    migrate(database, tmp_path)
    secret = _add_client(database, tmp_path)
    with (
        serving(database, tmp_path) as server,
        protected_service(server.address, **always) as waiting,
        protected_service(server.address, PORTUNUS_CLIENT=f"billing:{secret}", **always) as asking,
    ):
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            await Client(http).sign_up("johndoe")
            token = (await Client(http).log_in("johndoe"))["access_token"]
            before = [await _greet(service, token) for service in (waiting, asking)]
            await Client(http).log_out(token)
        after = [await _greet(service, token) for service in (waiting, asking)]

    assert [answer.status_code for answer in (*before, *after)] == [503, 200, 503, 401]
    assert before[0].headers["Retry-After"] == "1"


def _add_client(database: str, cwd: Path) -> str:
    command = [str(PORTUNUS), "clients", "add", "billing"]
    done = subprocess.run(command, cwd=cwd, env=environment(database, {}), check=True, capture_output=True, text=True)
    [secret] = re.findall(r"pcs_[\w-]+", done.stdout)
    return str(secret)


async def _greet(service: str, token: str | None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=service, timeout=20) as http:
        return await http.get("/greeting", headers=headers)


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address).status_code == 200
    except httpx2.TransportError:
        return False
