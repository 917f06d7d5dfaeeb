import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.journeys.conftest import Client
from tests.server import serving

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def protected_service(issuer: str) -> Iterator[str]:
    """The service of examples/, as its first lines say to start it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "protected_service:app", "--port", str(port)]
    process = subprocess.Popen(
        words, env={"PATH": os.environ["PATH"], "PORTUNUS_ISSUER": issuer}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not _answers(f"http://127.0.0.1:{port}/docs"):
            assert process.poll() is None
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


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


async def _greet(service: str, token: str | None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=service, timeout=20) as http:
        return await http.get("/greeting", headers=headers)


def _answers(address: str) -> bool:
    try:
        return httpx2.get(address).status_code == 200
    except httpx2.TransportError:
        return False
