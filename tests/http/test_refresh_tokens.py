"""Refresh tokens over HTTP."""

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.directory.disable_user import DisableUser
from domain.username import Username
from tests.http.api import Api, require_oauth_error, require_problem

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LENGTH = len("prt_") + 116
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

without_a_deadline = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def test_rt02_each_use_gives_another_token_at_refresh_and_at_token(api: Api) -> None:
    seen = [(await api.log_in())["refresh_token"]]

    for _ in range(3):
        seen.append((await api.refresh(seen[-1])).json()["refresh_token"])
        answer = await api.token(grant_type="refresh_token", refresh_token=seen[-1])
        seen.append(answer.json()["refresh_token"])

    assert len(set(seen)) == 7
    require_problem(await api.refresh(seen[-3]), 401, "invalid_refresh_token", "Could not validate credentials")


async def test_rt03_reuse_is_401_for_the_newest_tokens_too_and_leaves_the_users_other_sessions(api: Api) -> None:
    first, other = await api.log_in(), await api.log_in()
    second = (await api.refresh(first["refresh_token"])).json()
    third = (await api.refresh(second["refresh_token"])).json()

    require_problem(await api.refresh(first["refresh_token"]), 401, "invalid_refresh_token")

    for pair in (first, second, third):
        require_problem(await api.refresh(pair["refresh_token"]), 401, "invalid_refresh_token")
        require_problem(await api.me(pair["access_token"]), 401, "invalid_access_token")
    assert (await api.me(other["access_token"])).status_code == 200
    assert (await api.refresh(other["refresh_token"])).status_code == 200


async def test_rt05_the_same_request_again_has_the_same_successor_and_the_same_end(api: Api) -> None:
    token = (await api.log_in())["refresh_token"]

    answers = [(await api.refresh(token)).json() for _ in range(5)]

    assert len({answer["refresh_token"] for answer in answers}) == 1
    assert len({_claims(answer["access_token"])["exp"] for answer in answers}) == 1
    for answer in answers:
        assert (await api.me(answer["access_token"])).status_code == 200


@given(at=st.integers(0, LENGTH - 1), to=st.sampled_from(ALPHABET + "=+/. %é"))
@without_a_deadline
async def test_rt07_a_token_with_one_character_changed_is_refused_and_ends_nothing(api: Api, at: int, to: str) -> None:
    token = (await api.log_in())["refresh_token"]
    changed = token[:at] + to + token[at + 1 :]

    if changed != token:
        assert (await api.refresh(changed)).status_code == 401
        assert (await api.http.post("/logout", json={"refresh_token": changed})).status_code == 401

    assert (await api.refresh(token)).status_code == 200


@given(start=st.integers(0, 86), put=st.binary(min_size=1, max_size=40))
@without_a_deadline
async def test_rt07_a_token_with_other_bytes_in_it_is_refused_and_ends_nothing(api: Api, start: int, put: bytes) -> None:
    token = (await api.log_in())["refresh_token"]
    raw = base64.urlsafe_b64decode(token.removeprefix("prt_"))
    changed = "prt_" + base64.urlsafe_b64encode((raw[:start] + put + raw[start + len(put) :])[:87]).decode()

    if changed != token:
        for _ in range(2):
            assert (await api.refresh(changed)).status_code == 401

    assert (await api.refresh(token)).status_code == 200


@given(cut=st.integers(1, LENGTH - 2), more=st.text(ALPHABET, min_size=0, max_size=8))
@without_a_deadline
async def test_rt07_a_token_that_is_cut_or_goes_on_is_refused_and_ends_nothing(api: Api, cut: int, more: str) -> None:
    token = (await api.log_in())["refresh_token"]

    for changed in (token[:cut], token[cut + 1 :], token + more + "A", token[:cut] + more + token):
        assert changed == token or (await api.refresh(changed)).status_code == 401

    assert (await api.refresh(token)).status_code == 200


async def test_rt08_it_is_served_by_post_only(api: Api) -> None:
    token = (await api.log_in())["refresh_token"]

    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "QUERY"):
        answer = await api.http.request(method, "/refresh", params={"refresh_token": token})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

    assert (await api.refresh(token)).status_code == 200


async def test_rt10_who_is_disabled_can_neither_refresh_nor_ask(api: Api) -> None:
    tokens = await api.log_in()

    await api.use_cases[DisableUser](username=Username("johndoe"))

    require_problem(await api.refresh(tokens["refresh_token"]), 401, "invalid_refresh_token")
    require_oauth_error(
        await api.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]),
        400,
        "invalid_grant",
        "invalid_refresh_token",
    )
    require_problem(await api.me(tokens["access_token"]), 401, "invalid_access_token")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=15), inner, max_size=3),
    max_leaves=6,
)
A_BODY = st.one_of(
    st.binary(max_size=200),
    ANY_JSON.map(lambda value: json.dumps(value).encode()),
    ANY_JSON.map(lambda value: json.dumps({"refresh_token": value}).encode()),
    st.text(max_size=150).map(lambda text: b"refresh_token=" + text.encode("utf-8", "surrogatepass")),
    st.text(max_size=150).map(lambda text: b"grant_type=refresh_token&refresh_token=" + text.encode("utf-8", "surrogatepass")),
)


@pytest.mark.parametrize("path", ["/refresh", "/token"])
@given(content=A_BODY, media_type=st.sampled_from([JSON, FORM, "text/plain", ""]))
@without_a_deadline
async def test_rt15_no_body_is_anything_but_a_documented_refusal(api: Api, path: str, content: bytes, media_type: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}

    answer = await api.http.post(path, content=content, headers=headers)

    assert answer.status_code in {400, 401, 415, 422}, answer.text
    assert answer.json()["code"]


async def test_rt15_a_bad_token_is_401_at_refresh_and_invalid_grant_at_token(api: Api) -> None:
    spent = (await api.log_in())["refresh_token"]
    newest = spent
    for _ in range(2):
        newest = (await api.refresh(newest)).json()["refresh_token"]

    for token in (spent, newest, "x", "prt_" + "A" * 116, "é" * 100):
        require_problem(await api.refresh(token), 401, "invalid_refresh_token", "Could not validate credentials")
        answer = await api.token(grant_type="refresh_token", refresh_token=token)
        require_oauth_error(answer, 400, "invalid_grant", "invalid_refresh_token")


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
