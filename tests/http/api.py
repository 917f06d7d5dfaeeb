"""The application as it is served, without a server in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from dependency_injector import providers
from fastapi import FastAPI
from pydantic import SecretStr

from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.clock import Clock
from entrypoints.container.root import Portunus, build, store_of, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.examples import PASSWORD, SECRET

SIGN_UP = {"username": "johndoe", "email": "johndoe@example.com", "password": PASSWORD}
FORGED = "prt_" + "A" * 116


class Api:
    def __init__(self, app: FastAPI, http: httpx2.AsyncClient, use_cases: Any, container: Portunus) -> None:
        self.app = app
        self.http = http
        self.use_cases = use_cases
        self.store: Any = store_of(container)
        self.container = container

    async def sign_up(self, **changed: Any) -> httpx2.Response:
        return await self.http.post("/signup", json={**SIGN_UP, **changed})

    async def token(self, **form: str) -> httpx2.Response:
        return await self.http.post("/token", data=form)

    async def log_in(self) -> dict[str, Any]:
        await self.sign_up()
        answer = await self.token(username="johndoe", password=PASSWORD)
        assert answer.status_code == 200
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def me(self, token: str) -> httpx2.Response:
        return await self.http.get("/users/me", headers={"Authorization": f"Bearer {token}"})

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.http.post("/refresh", json={"refresh_token": token})


@asynccontextmanager
async def an_api(
    *, database_url: str = "memory://", throttle: str = "off", clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Api]:
    """Nobody is slowed down: most tests try more than people do. Those of the throttle ask for it."""
    cheap = {"argon2_memory": 64, "argon2_time": 1}
    made = Settings(
        env="development",
        database_url=SecretStr(database_url),
        secret_key=SecretStr(SECRET),
        throttle=throttle,
        **{**cheap, **settings},
    ).with_defaults()
    container = build(made)
    if clock:
        container.adapters.clock.override(providers.Object(clock))
    use_cases = use_cases_of(container)
    await use_cases[PrepareSigningKey]()
    app = create_app(
        use_cases,
        cors_origins=made.cors_origins,
        trusted_proxies=made.trusted_proxies,
        https=made.issuer.startswith("https://"),
        refresh_token_in_query=made.refresh_token_in_query,
        max_requests=made.max_requests,
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://portunus") as http:
        try:
            yield Api(app, http, use_cases, container)
        finally:
            await store_of(container).close()


def require_problem(answer: httpx2.Response, status: int, code: str, detail: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:portunus:{code}")
    assert detail is None or body["detail"] == detail
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    return body


def require_oauth_error(answer: httpx2.Response, status: int, error: str, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert (answer.json()["error"], answer.json()["code"]) == (error, code)
    assert answer.json()["detail"] == answer.json()["error_description"]
