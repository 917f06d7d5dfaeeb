"""The longest spans that can be set."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from application.clients.add_client import AddClient
from application.upkeep.purge_expired import PurgeExpired
from domain.client import ClientId
from tests.databases import Databases
from tests.http.api import an_api

LONGEST: Any = timedelta(days=36500)
NAMES = ("session_idle_lifetime", "session_absolute_lifetime", "retention", "key_rotation")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_in: Callable[[Path], str]) -> str:
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return sqlite_in(tmp_path)
    databases: Databases = request.getfixturevalue("databases")
    return await databases.make()


async def test_whoever_lets_sessions_live_for_a_century_is_served(url: str) -> None:
    async with an_api(database_url=url, **dict.fromkeys(NAMES, LONGEST)) as api:
        secret = await api.use_cases[AddClient](id=ClientId("billing"))
        first = await api.log_in()
        tokens = (await api.refresh(first["refresh_token"])).json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

        me = await api.me(tokens["access_token"])
        lists = [await api.http.get(f"/users/me/sessions{path}", headers=bearer) for path in ("", "/ended")]
        told = await api.http.post("/introspect", data={"token": tokens["refresh_token"]}, auth=("billing", secret.text))
        removed = [batch async for batch in api.use_cases[PurgeExpired]()]
        out = await api.http.post("/logout", headers=bearer)

    assert [answer.status_code for answer in (me, *lists, told, out)] == [200, 200, 200, 200, 204]
    assert (len(lists[0].json()["sessions"]), told.json()["active"]) == (1, True)
    assert sum(batch.sessions for batch in removed) == 0
