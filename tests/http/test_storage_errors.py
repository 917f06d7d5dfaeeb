"""Storage that fails in one place at a time: no route may say that something was done which was not, or blame the token."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2
import pytest
from dependency_injector import providers
from pydantic import SecretStr

from application.clients.add_client import AddClient
from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.live_statements import LiveStatements
from application.ports.unit_of_work import Store, StoreUnavailable, UnitOfWork
from domain.client import ClientId
from entrypoints.container.root import build, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.examples import PASSWORD, SECRET
from tests.http.api import SIGN_UP


class FailingStore:
    """A store of which one method fails, named as `live.rotate` or `users.add`; or none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.broken = ""
        self.failed = False

    @property
    def live(self) -> Any:
        return self._guarded("live", self._store.live)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._store.begin() as work:
            yield _Work(work, self._guarded)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._guarded("store", self._store), name)

    def _guarded(self, port: str, target: object) -> Any:
        return _Guarded(port, target, self)


class _Work:
    def __init__(self, work: UnitOfWork, guarded: Callable[[str, object], Any]) -> None:
        self._work = work
        self._guarded = guarded

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._work, name)
        return getattr(self._guarded("work", self._work), name) if callable(found) else self._guarded(name, found)


class _Guarded:
    def __init__(self, port: str, target: object, store: FailingStore) -> None:
        self._port, self._target, self._store = port, target, store

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            self._store.failed = True
            raise StoreUnavailable

        return fail if self._store.broken == f"{self._port}.{name}" else getattr(self._target, name)


def _methods() -> list[str]:
    """Every method of every port of storage, so that a new one is covered by itself."""
    repositories = {
        name: found.fget.__annotations__["return"] for name, found in vars(UnitOfWork).items() if isinstance(found, property)
    }
    ports = {"live": LiveStatements, "work": UnitOfWork, **repositories}
    return [
        f"{port}.{name}"
        for port, protocol in ports.items()
        for name, member in vars(protocol).items()
        if not name.startswith("_") and callable(member)
    ]


@dataclass(frozen=True, slots=True)
class Portunus:
    http: httpx2.AsyncClient
    store: FailingStore
    client: tuple[str, str]

    async def log_in(self) -> dict[str, Any]:
        answer = await self.http.post("/token", data={"username": "johndoe", "password": PASSWORD})
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def me(self, tokens: dict[str, Any]) -> int:
        return (await self.http.get("/users/me", headers=_bearer(tokens))).status_code


@pytest.fixture
async def portunus() -> AsyncIterator[Portunus]:
    settings = Settings(
        env="development",
        database_url=SecretStr("memory://"),
        secret_key=SecretStr(SECRET),
        argon2_memory=64,
        argon2_time=1,
        throttle="off",
    ).with_defaults()
    container = build(settings)
    store = FailingStore(container.adapters.store())
    container.adapters.store.override(providers.Object(store))
    use_cases = use_cases_of(container)
    await use_cases[PrepareSigningKey]()
    secret = await use_cases[AddClient](id=ClientId("billing"))
    transport = httpx2.ASGITransport(app=create_app(use_cases))
    async with httpx2.AsyncClient(transport=transport, base_url="http://portunus") as http:
        await http.post("/signup", json=SIGN_UP)
        yield Portunus(http, store, ("billing", secret.text))


def _bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


Act = Callable[[Portunus, dict[str, Any]], Awaitable[httpx2.Response]]
ACTS: dict[str, Act] = {
    "sign up": lambda p, _: p.http.post("/signup", json={**SIGN_UP, "username": f"u{token_hex(8)}"}),
    "log in": lambda p, _: p.http.post("/token", data={"username": "johndoe", "password": PASSWORD}),
    "refresh": lambda p, t: p.http.post("/refresh", json={"refresh_token": t["refresh_token"]}),
    "me": lambda p, t: p.http.get("/users/me", headers=_bearer(t)),
    "read the feed": lambda p, _: p.http.get("/.well-known/revocations"),
    "introspect": lambda p, t: p.http.post("/introspect", data={"token": t["access_token"]}, auth=p.client),
}
ENDINGS: dict[str, Act] = {
    "log out": lambda p, t: p.http.post("/logout", headers=_bearer(t)),
    "log out by refresh token": lambda p, t: p.http.post("/logout", json={"refresh_token": t["refresh_token"]}),
    "revoke": lambda p, t: p.http.post("/revoke", data={"token": t["refresh_token"]}, auth=p.client),
    "revoke by access token": lambda p, t: p.http.post("/revoke", data={"token": t["access_token"]}, auth=p.client),
}


@pytest.mark.parametrize("act", ACTS)
async def test_rl01_whatever_method_of_storage_fails_the_answer_is_503_and_the_same_works_afterwards(
    portunus: Portunus, act: str
) -> None:
    failed = 0
    for method in _methods():
        tokens = await portunus.log_in()
        portunus.store.broken, portunus.store.failed = method, False

        answer = await ACTS[act](portunus, tokens)
        portunus.store.broken = ""

        if portunus.store.failed:
            failed += 1
            assert answer.status_code == 503, f"{method}: {answer.text}"
            assert answer.json()["code"] == "storage_unavailable"
            assert answer.headers["Retry-After"] == "1"
            assert (await ACTS[act](portunus, tokens)).is_success, method
    assert failed >= 1


@pytest.mark.parametrize("act", ENDINGS)
async def test_revoke_storage_error_is_503(portunus: Portunus, act: str) -> None:
    failed = 0
    for method in _methods():
        tokens = await portunus.log_in()
        portunus.store.broken, portunus.store.failed = method, False

        answer = await ENDINGS[act](portunus, tokens)
        portunus.store.broken = ""

        if portunus.store.failed:
            failed += 1
            assert answer.status_code == 503, f"{method}: {answer.text}"
            assert answer.headers["Retry-After"] == "1"
            assert await portunus.me(tokens) == 200, f"{method}: it was refused and done"
            assert (await ENDINGS[act](portunus, tokens)).is_success
        assert await portunus.me(tokens) == 401, f"{method}: it was answered and not done"
    assert failed >= 1
