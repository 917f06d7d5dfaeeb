import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.examples import PASSWORD
from tests.http.api import Api, an_api, require_problem
from tests.http.operations import Operation, operations

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
WITH_AN_ID = [operation for operation in operations() if re.search(r"\{\w*id\}", operation.path)]


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def sessions_of(api: Api, tokens: dict[str, Any], **query: Any) -> dict[str, Any]:
    answer = await api.http.get("/users/me/sessions", headers=bearer(tokens), params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


@pytest.fixture
async def theirs(api: Api) -> dict[str, Any]:
    await api.sign_up(username="other", email="other@example.com")
    tokens: dict[str, Any] = (await api.token(username="other", password=PASSWORD)).json()
    return tokens


async def test_the_list_shows_what_one_recognises_a_session_by(api: Api) -> None:
    await api.sign_up()
    form = {"username": "johndoe", "password": PASSWORD}
    tokens = (await api.http.post("/token", data=form, headers={"User-Agent": FIREFOX})).json()
    await api.log_in()

    page = await sessions_of(api, tokens)

    [mine] = [session for session in page["sessions"] if session["current"]]
    assert (len(page["sessions"]), page["next"]) == (2, None)
    assert mine["device"] == {"browser": "Firefox", "system": "Linux", "kind": "desktop"}
    assert mine["network"] == "127.0.0.0/24"
    assert mine["authenticated_by"] == "password"
    assert mine["last_seen_at"] == mine["created_at"]


async def test_ht16_pages_follow_each_other(api: Api) -> None:
    tokens = [await api.log_in() for _ in range(5)]

    first = await sessions_of(api, tokens[0], limit=3)
    second = await sessions_of(api, tokens[0], limit=3, cursor=first["next"])

    ids = [session["id"] for page in (first, second) for session in page["sessions"]]
    assert (len(set(ids)), second["next"]) == (5, None)


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1e3", "NaN", "Infinity", "9" * 400, "", "1;drop", "ten", "0x10", "1.5"])
@pytest.mark.parametrize("path", ["/users/me/sessions", "/users/me/sessions/ended"])
async def test_ht16_a_limit_beyond_1_to_100_is_422(api: Api, path: str, limit: str) -> None:
    answer = await api.http.get(path, headers=bearer(await api.log_in()), params={"limit": limit})

    require_problem(answer, 422, "validation_failed")


@pytest.mark.parametrize("cursor", ["", "x", "A" * 64, "-" * 64, "1", "' OR 1=1--", "\0", "ÿ" * 64, "_" * 128])
@pytest.mark.parametrize("path", ["/users/me/sessions", "/users/me/sessions/ended"])
async def test_ht16_a_forged_cursor_is_422(api: Api, path: str, cursor: str) -> None:
    answer = await api.http.get(path, headers=bearer(await api.log_in()), params={"cursor": cursor})

    require_problem(answer, 422, "invalid_cursor")


async def test_ht16_a_cursor_of_any_length_is_422(api: Api) -> None:
    answer = await api.http.get("/users/me/sessions", headers=bearer(await api.log_in()), params={"cursor": "A" * 4000})

    require_problem(answer, 422, "validation_failed")


async def test_a_revoked_session_is_refused_at_the_very_next_request(api: Api) -> None:
    mine, lost = await api.log_in(), await api.log_in()
    [lost_id] = [session["id"] for session in (await sessions_of(api, lost))["sessions"] if session["current"]]

    answer = await api.http.delete(f"/users/me/sessions/{lost_id}", headers=bearer(mine))

    assert (answer.status_code, answer.content) == (204, b"")
    require_problem(await api.me(lost["access_token"]), 401, "invalid_access_token")
    require_problem(await api.refresh(lost["refresh_token"]), 401, "invalid_refresh_token")
    assert (await api.me(mine["access_token"])).status_code == 200
    ended = await api.http.get("/users/me/sessions/ended", headers=bearer(mine))
    assert [(session["id"], session["end_reason"]) for session in ended.json()["sessions"]] == [(lost_id, "revoked")]


async def test_one_session_too_many_ends_the_oldest_and_its_user_can_see_it() -> None:
    async with an_api(sessions_per_user=2) as api:
        tokens = []
        for _ in range(3):
            tokens.append(await api.log_in())
            await asyncio.sleep(0.002)  # ids begin with the millisecond

        assert [(await api.me(each["access_token"])).status_code for each in tokens] == [401, 200, 200]
        assert (await api.refresh(tokens[0]["refresh_token"])).status_code == 401
        ended = await api.http.get("/users/me/sessions/ended", headers=bearer(tokens[1]))
        assert [session["end_reason"] for session in ended.json()["sessions"]] == ["session_limit"]


@pytest.mark.parametrize(("query", "survives"), [("", True), ("?including_current=true", False)])
async def test_all_sessions_are_revoked_but_this_one_unless_it_is_asked_for(api: Api, query: str, survives: bool) -> None:
    mine, others = await api.log_in(), [await api.log_in() for _ in range(2)]

    answer = await api.http.delete(f"/users/me/sessions{query}", headers=bearer(mine))

    assert answer.status_code == 204
    assert [(await api.me(tokens["access_token"])).status_code for tokens in others] == [401, 401]
    assert (await api.me(mine["access_token"])).status_code == (200 if survives else 401)
    assert (await api.refresh(mine["refresh_token"])).status_code == (200 if survives else 401)


@pytest.mark.parametrize("values", [("true", "false"), ("false", "true"), ("true", "true")])
async def test_what_is_to_be_ended_is_said_once(api: Api, values: tuple[str, str]) -> None:
    tokens = [await api.log_in() for _ in range(2)]
    query = "&".join(f"including_current={value}" for value in values)

    answer = await api.http.delete(f"/users/me/sessions?{query}", headers=bearer(tokens[0]))

    body = require_problem(answer, 422, "validation_failed")
    assert [(each["pointer"], each["code"]) for each in body["errors"]] == [("#/query/including_current", "repeated")]
    assert [(await api.me(each["access_token"])).status_code for each in tokens] == [200, 200]


@pytest.mark.parametrize("operation", WITH_AN_ID, ids=str)
async def test_ac06_what_is_somebody_elses_is_answered_as_what_does_not_exist(
    api: Api, theirs: dict[str, Any], operation: Operation
) -> None:
    mine = await api.log_in()
    [foreign] = [session["id"] for session in (await sessions_of(api, theirs))["sessions"]]

    answers = [
        await api.http.request(operation.method, re.sub(r"\{\w+\}", named, operation.path), headers=bearer(mine))
        for named in (foreign, str(uuid4()))
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert (await api.me(theirs["access_token"])).status_code == 200


def test_ac06_there_are_routes_with_an_id() -> None:
    assert WITH_AN_ID


@pytest.mark.parametrize("id", ["x", "0", "-1", "%00", "9" * 4000])
async def test_what_is_no_id_is_422(api: Api, id: str) -> None:
    answer = await api.http.delete(f"/users/me/sessions/{id}", headers=bearer(await api.log_in()))

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/ended"), ("DELETE", ""), ("DELETE", f"/{UUID(int=1)}")])
async def test_without_a_token_nothing_is_shown_and_nothing_ended(api: Api, method: str, path: str) -> None:
    require_problem(await api.http.request(method, f"/users/me/sessions{path}"), 401, "not_authenticated")
