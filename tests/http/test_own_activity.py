from typing import Any
from uuid import UUID

import pytest

from domain.audit import Act
from domain.user import UserId
from tests.examples import PASSWORD
from tests.http.api import Api, require_problem


def _bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def _activity(api: Api, tokens: dict[str, Any], **params: Any) -> dict[str, Any]:
    answer = await api.http.get("/users/me/activity", params=params, headers=_bearer(tokens))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_activity_is_what_happened_to_ones_own_account_and_nobody_elses(api: Api) -> None:
    mine = await api.log_in()
    await api.sign_up(username="another")
    theirs = (await api.token(username="another", password=PASSWORD)).json()

    found = await _activity(api, mine)

    assert [one["action"] for one in found["activity"]] == ["login", "sign_up"]
    assert found["next"] is None
    assert found["activity"][0] == {
        "at": found["activity"][0]["at"],
        "action": "login",
        "outcome": "done",
        "by": "user",
        "times": 1,
        "session_id": found["activity"][0]["session_id"],
        "network": "127.0.0.0/24",
    }
    sessions = {one["session_id"] for one in (await _activity(api, theirs))["activity"]}
    assert not sessions & {one["session_id"] for one in found["activity"] if one["session_id"]}


async def test_activity_comes_a_page_at_a_time_and_a_cursor_is_its_owners(api: Api) -> None:
    mine = await api.log_in()
    await api.sign_up(username="another")
    theirs = (await api.token(username="another", password=PASSWORD)).json()

    first = await _activity(api, mine, limit=1)
    second = await _activity(api, mine, limit=1, cursor=first["next"])
    stolen = await api.http.get("/users/me/activity", params={"cursor": first["next"]}, headers=_bearer(theirs))
    elsewhere = await api.http.get("/users/me/sessions", params={"cursor": first["next"]}, headers=_bearer(mine))

    assert [one["action"] for page in (first, second) for one in page["activity"]] == ["login", "sign_up"]
    assert second["next"] is None
    require_problem(stolen, 422, "invalid_cursor")
    require_problem(elsewhere, 422, "invalid_cursor")


async def test_activity_shows_what_a_later_release_entered(api: Api) -> None:
    mine = await api.log_in()
    me = UserId(UUID((await api.me(mine["access_token"])).json()["id"]))
    async with api.store.begin() as work:
        await work.audit.add(Act(action="of_a_later_release", by="somebody", user_id=me))  # type: ignore[arg-type]  # as it would
        await work.commit()

    newest, *_ = (await _activity(api, mine))["activity"]

    assert (newest["action"], newest["by"]) == ("of_a_later_release", "somebody")


@pytest.mark.parametrize("asked", ["limit=0", "limit=101", "limit=x", "limit=NaN", f"limit={'9' * 400}", "limit=", "limit=1.5"])
async def test_ht16_a_limit_that_is_none_is_422(api: Api, asked: str) -> None:
    mine = await api.log_in()

    require_problem(await api.http.get(f"/users/me/activity?{asked}", headers=_bearer(mine)), 422, "validation_failed")


async def test_activity_is_not_for_who_has_not_logged_in(api: Api) -> None:
    require_problem(await api.http.get("/users/me/activity"), 401, "not_authenticated")
