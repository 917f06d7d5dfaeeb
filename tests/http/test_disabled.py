"""Whoever is disabled, with all that they hold: nothing of it is good for anything, from that moment on."""

from typing import Any

import pytest

from application.clients.add_client import AddClient
from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from domain.client import ClientId
from domain.username import Username
from tests.examples import PASSWORD, feed_entry
from tests.http.api import Api, require_oauth_error
from tests.http.operations import Operation, ask, operations

JOHNDOE = Username("johndoe")
# With a token of its own, or of a client's; to log out with a token that is dead already is no error.
_NOT_A_USERS = {"/introspect", "/revoke", "/logout"}
OF_A_USER = [each for each in operations() if each.secured and each.path not in _NOT_A_USERS]


async def log_in(api: Api, device_token: str = "") -> Any:
    form = {"username": "johndoe", "password": PASSWORD}
    return await api.http.post("/token", data=form, headers={"Device-Token": device_token})


@pytest.mark.parametrize("operation", OF_A_USER, ids=str)
async def test_ac19_no_route_takes_an_access_token_of_a_user_who_was_disabled_meanwhile(api: Api, operation: Operation) -> None:
    tokens = await api.log_in()
    bearer = [(b"authorization", f"Bearer {tokens['access_token']}".encode())]
    before = await ask(api.app, operation.method, operation.target, bearer)

    await api.use_cases[DisableUser](username=JOHNDOE)

    after = await ask(api.app, operation.method, operation.target, bearer)
    assert before.status != 401
    assert (after.status, after.header(b"www-authenticate")) == (401, b'Bearer error="invalid_token"')


async def test_ac19_disabling_a_user_ends_every_token_of_every_session_and_tells_of_it(api: Api) -> None:
    await api.sign_up()
    pairs = [(await log_in(api)).json() for _ in range(3)]
    secret = (await api.use_cases[AddClient](id=ClientId("billing"))).text

    await api.use_cases[DisableUser](username=JOHNDOE)

    for pair in pairs:
        assert (await api.me(pair["access_token"])).status_code == 401
        assert (await api.refresh(pair["refresh_token"])).status_code == 401
        grant = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
        require_oauth_error(await api.http.post("/token", data=grant), 400, "invalid_grant", "invalid_refresh_token")
        for token in (pair["access_token"], pair["refresh_token"]):
            told = await api.http.post("/introspect", data={"token": token}, auth=("billing", secret))
            assert told.json() == {"active": False}
    feed = (await api.http.get("/.well-known/revocations")).json()
    assert {feed_entry(pair["access_token"]) for pair in pairs} <= set(feed["revoked"])


async def test_ac19_what_was_dead_stays_dead_when_the_user_is_enabled_again(api: Api) -> None:
    await api.sign_up()
    pair = (await log_in(api)).json()
    await api.use_cases[DisableUser](username=JOHNDOE)
    barred, unknown = await log_in(api), await api.token(username="nobody", password=PASSWORD)

    await api.use_cases[EnableUser](username=JOHNDOE)

    assert (barred.status_code, barred.content) == (unknown.status_code, unknown.content) == (401, unknown.content)
    assert (await api.me(pair["access_token"])).status_code == 401
    assert (await api.refresh(pair["refresh_token"])).status_code == 401
    assert (await log_in(api)).status_code == 200
