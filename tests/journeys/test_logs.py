import json
from pathlib import Path

import httpx2

from tests.examples import PASSWORD, SECRET
from tests.journeys.conftest import Client
from tests.server import migrate, serving


async def test_ks06_no_secret_that_went_in_or_out_is_in_the_log(tmp_path: Path) -> None:
    url = "sqlite:///portunus.db"
    environment = {"PORTUNUS_SECRET_KEY": SECRET, "PORTUNUS_REFRESH_TOKEN_IN_QUERY": "true", "PORTUNUS_LOG_LEVEL": "debug"}
    migrate(url, tmp_path, **environment)
    secrets: list[object] = [SECRET, PASSWORD, "guessed wrongly, for sure"]

    with serving(url, tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            first = await client.log_in("johndoe")
            await http.post("/token", data={"username": "johndoe", "password": "guessed wrongly, for sure"})
            in_query = await http.post("/refresh", params={"refresh_token": first["refresh_token"]})
            reused = await http.post("/refresh", params={"refresh_token": first["refresh_token"]})
            await client.me(first["access_token"])
            await http.post("/signup", content=f'{{"password": "{PASSWORD}"')
    log = server.log_path.read_text()

    assert (in_query.status_code, reused.status_code) == (200, 401)
    answered = [line for line in log.splitlines() if '"answered"' in line]
    assert len(answered) >= 7
    assert all("request_id" in json.loads(line) for line in answered)
    secrets += [*first.values(), *in_query.json().values()]
    assert [secret for secret in secrets if isinstance(secret, str) and len(secret) > 10 and secret in log] == []


async def test_a_reused_refresh_token_is_told_to_the_operator_with_the_id_of_the_request(tmp_path: Path) -> None:
    with serving("memory://", tmp_path) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            client = Client(http)
            await client.sign_up("johndoe")
            first = await client.log_in("johndoe")
            second = (await client.refresh(first["refresh_token"])).json()
            await client.refresh(second["refresh_token"])
            answer = await client.refresh(first["refresh_token"])
    lines = [json.loads(line) for line in server.log_path.read_text().splitlines() if line.startswith("{")]

    [told] = [line for line in lines if line["event"] == "refresh_reuse"]
    assert told["level"] == "warning"
    assert told["request_id"] == answer.headers["X-Request-ID"]
    assert told.keys() >= {"user_id", "session_id", "timestamp"}


async def test_ks07_what_a_client_sends_cannot_forge_a_line(tmp_path: Path) -> None:
    with serving("memory://", tmp_path) as server:
        async with httpx2.AsyncClient(base_url=server.address, timeout=20) as http:
            answer = await http.get("/health/live", headers={"X-Request-ID": 'a" "event": "forged'})

    assert "forged" not in answer.headers["X-Request-ID"]
    assert "forged" not in server.log_path.read_text()
