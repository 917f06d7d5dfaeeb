"""Every way in which sessions end, against everything that could survive it, over HTTP and at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from dependency_injector import providers
from pydantic import SecretStr

from application.clients.add_client import AddClient
from application.directory.disable_user import DisableUser
from application.keys.prepare_signing_key import PrepareSigningKey
from domain.client import ClientId
from domain.username import Username
from entrypoints.container.root import build, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.contracts.conftest import LIFETIMES, Storage
from tests.examples import PASSWORD, SECRET, feed_entry
from tests.fakes import FakeClock

Tokens = dict[str, Any]
NAMES = ("johndoe", "stranger")
_A_MOMENT = timedelta(seconds=2)


@dataclass(slots=True, kw_only=True)
class World:
    http: httpx2.AsyncClient
    use_cases: Any
    age: Callable[[timedelta], Awaitable[None]]
    client: tuple[str, str]

    async def log_in(self, name: str = "johndoe") -> Tokens:
        await asyncio.sleep(0.002)  # ids begin with the millisecond, and by these one session is older than another
        answer = await self.http.post("/token", data={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        tokens: Tokens = answer.json()
        return tokens

    async def refresh(self, tokens: Tokens, user_agent: str = "mine") -> httpx2.Response:
        body = {"refresh_token": tokens["refresh_token"]}
        return await self.http.post("/refresh", json=body, headers={"User-Agent": user_agent})

    async def ask(self, method: str, path: str, tokens: Tokens, **more: Any) -> httpx2.Response:
        return await self.http.request(method, path, headers={"Authorization": f"Bearer {tokens['access_token']}"}, **more)

    async def introspect(self, token: str) -> bool:
        answer = await self.http.post("/introspect", data={"token": token}, auth=self.client)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["active"] or told == {"active": False}
        return bool(told["active"])

    async def is_alive(self, tokens: Tokens) -> bool:
        told = [await self.introspect(tokens[kind]) for kind in ("access_token", "refresh_token")]
        access, refresh = await self.ask("GET", "/users/me", tokens), await self.refresh(tokens)
        assert access.status_code == refresh.status_code, "an access token and its refresh token live and die together"
        assert access.status_code in {200, 401}
        assert told == [access.status_code == 200] * 2, "a client is told what the routes hold to"
        return access.status_code == 200

    async def told(self) -> set[str]:
        """What services that verify offline are told of."""
        answer = await self.http.get("/.well-known/revocations")
        return set(answer.json()["revoked"])


@pytest.fixture
async def world(request: pytest.FixtureRequest, storage: Storage, clock: FakeClock) -> AsyncIterator[World]:
    settings = Settings(
        env="development",
        database_url=SecretStr("memory://"),
        secret_key=SecretStr(SECRET),
        argon2_memory=64,
        argon2_time=1,
        sessions_per_user=2,
    ).with_defaults()
    container = build(settings)
    container.adapters.store.override(providers.Object(storage.store))
    if "postgresql" not in request.node.name:  # there the time is the database's
        container.adapters.clock.override(providers.Object(clock))
    use_cases = use_cases_of(container)
    await use_cases[PrepareSigningKey]()
    secret = await use_cases[AddClient](id=ClientId("billing"))
    transport = httpx2.ASGITransport(app=create_app(use_cases))
    async with httpx2.AsyncClient(transport=transport, base_url="http://portunus") as http:
        for name in NAMES:
            body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            assert (await http.post("/signup", json=body)).status_code == 201
        yield World(http=http, use_cases=use_cases, age=storage.age, client=("billing", secret.text))


# Each takes the world, the session that it happens to (or that asks), and another of its user; and gives the newest tokens
# of the first.


async def logout(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    assert (await world.ask("POST", "/logout", here)).status_code == 204
    return here


async def logout_by_refresh_token(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    assert (await world.http.post("/logout", json={"refresh_token": here["refresh_token"]})).status_code == 204
    return here


async def revoke_one(world: World, here: Tokens, other: Tokens) -> Tokens:
    listed = (await world.ask("GET", "/users/me/sessions", here)).json()["sessions"]
    [mine] = [session["id"] for session in listed if session["current"]]
    assert (await world.ask("DELETE", f"/users/me/sessions/{mine}", other)).status_code == 204
    return here


async def revoke_others(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    assert (await world.ask("DELETE", "/users/me/sessions", here)).status_code == 204
    return here


async def revoke_all(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    assert (await world.ask("DELETE", "/users/me/sessions?including_current=true", here)).status_code == 204
    return here


async def revoke_by_a_client(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    assert (await world.http.post("/revoke", data={"token": here["refresh_token"]}, auth=world.client)).status_code == 200
    return here


async def one_too_many(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    await world.log_in()
    return here


async def reuse(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    newest = here
    for _ in range(2):
        newest = (await world.refresh(newest)).json()
    assert (await world.refresh(here)).status_code == 401
    return newest


async def shadow(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    for status in (200, 200, 401):
        newest = (await world.refresh(here)).json()
        assert (await world.refresh(here, "theirs")).status_code == status
        here = newest
    return here


async def disable(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    await world.use_cases[DisableUser](username=Username("johndoe"))
    return here


async def change_password(world: World, here: Tokens, other: Tokens) -> Tokens:
    del other
    body = {"current_password": PASSWORD, "password": "seven lamps upon a quiet shore"}
    assert (await world.ask("POST", "/users/me/password", here, json=body)).status_code == 204
    return here


async def idle_end(world: World, here: Tokens) -> Tokens:
    await world.age(LIFETIMES.idle + _A_MOMENT)
    return here


async def absolute_end(world: World, here: Tokens) -> Tokens:
    for _ in range(5):
        await world.age(LIFETIMES.absolute / 5 - _A_MOMENT)
        here = (await world.refresh(here)).json()
    await world.age(6 * _A_MOMENT)
    return here


BY_TIME = {idle_end, absolute_end}  # which each access token says itself, by `exp`
DEAD, LIVE = False, True
ENDS = [  # what happens, and then: the session here, the user's other one, and that of somebody else
    (logout, DEAD, LIVE, LIVE),
    (logout_by_refresh_token, DEAD, LIVE, LIVE),
    (revoke_one, DEAD, LIVE, LIVE),
    (revoke_others, LIVE, DEAD, LIVE),
    (revoke_all, DEAD, DEAD, LIVE),
    (revoke_by_a_client, DEAD, LIVE, LIVE),
    (one_too_many, DEAD, LIVE, LIVE),
    (reuse, DEAD, LIVE, LIVE),
    (shadow, DEAD, LIVE, LIVE),
    (disable, DEAD, DEAD, LIVE),
    (change_password, LIVE, DEAD, LIVE),
    (idle_end, DEAD, LIVE, LIVE),
    (absolute_end, DEAD, LIVE, LIVE),
]


@pytest.mark.parametrize(("end", "here", "other", "strangers"), ENDS, ids=[end.__name__ for end, *_ in ENDS])
async def test_revocation_matrix(
    world: World, end: Callable[..., Awaitable[Tokens]], here: bool, other: bool, strangers: bool
) -> None:
    mine = await world.log_in()
    if end in BY_TIME:  # time passes for all: the others begin later
        mine = await end(world, mine)
        my_other, theirs = await world.log_in(), await world.log_in("stranger")
    else:
        my_other, theirs = await world.log_in(), await world.log_in("stranger")
        mine = await end(world, mine, my_other)

    told = await world.told()
    survived = [await world.is_alive(tokens) for tokens in (mine, my_other, theirs)]

    assert survived == [here, other, strangers]
    offline = [feed_entry(tokens["access_token"]) not in told for tokens in (mine, my_other, theirs)]
    assert offline == [LIVE if end in BY_TIME else alive for alive in survived]
