from typing import Any

import pytest

from tests.examples import PASSWORD
from tests.http.api import Api, require_problem

NEW = "seven lamps upon a quiet shore"


async def change(api: Api, tokens: dict[str, Any], **body: str) -> Any:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return await api.http.post("/users/me/password", json=body, headers=headers)


async def test_pw14_a_change_answers_204_and_the_next_requests_of_other_sessions_401(api: Api) -> None:
    mine, other = await api.log_in(), await api.log_in()

    answer = await change(api, mine, current_password=PASSWORD, password=NEW)

    assert (answer.status_code, answer.content) == (204, b"")
    require_problem(await api.me(other["access_token"]), 401, "invalid_access_token")
    require_problem(await api.refresh(other["refresh_token"]), 401, "invalid_refresh_token")
    assert (await api.me(mine["access_token"])).status_code == 200
    assert (await api.refresh(mine["refresh_token"])).status_code == 200
    assert (await api.token(username="johndoe", password=PASSWORD)).status_code == 401
    assert (await api.token(username="johndoe", password=NEW)).status_code == 200


async def test_pw14_a_wrong_current_password_is_403_and_names_the_member(api: Api) -> None:
    tokens = await api.log_in()

    body = require_problem(
        await change(api, tokens, current_password="not the password", password=NEW), 403, "current_password_wrong"
    )

    assert [error["pointer"] for error in body["errors"]] == ["#/current_password"]
    assert (await api.token(username="johndoe", password=PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"current_password": PASSWORD, "password": "short"}, "password_too_short"),
        ({"current_password": PASSWORD, "password": "johndoejohndoejohndoe"}, "password_personal"),
        ({"password": NEW}, "validation_failed"),
        ({"current_password": PASSWORD}, "validation_failed"),
        ({"current_password": PASSWORD, "password": NEW, "id": "1"}, "validation_failed"),
    ],
)
async def test_a_body_that_will_not_do_is_422_and_is_not_repeated(api: Api, body: dict[str, str], code: str) -> None:
    answer = await change(api, await api.log_in(), **body)

    require_problem(answer, 422, code)
    assert PASSWORD not in answer.text


async def test_without_a_token_it_is_401(api: Api) -> None:
    answer = await api.http.post("/users/me/password", json={"current_password": PASSWORD, "password": NEW})

    require_problem(answer, 401, "not_authenticated")
