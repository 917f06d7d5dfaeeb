"""The tutorial's contract, row by row, as the application answers it."""

import json
from itertools import combinations
from typing import Any
from uuid import UUID

import jwt
import pytest

from application.directory.disable_user import DisableUser
from domain.username import Username
from tests.examples import PASSWORD, a_stored_user, a_user
from tests.http.api import FORGED, SIGN_UP, Api, require_oauth_error, require_problem

# Sign up


async def test_sign_up_answers_201_with_the_account_and_where_it_is(api: Api) -> None:
    answer = await api.sign_up()

    assert answer.status_code == 201
    assert answer.headers["location"] == "/users/me"
    assert answer.json().keys() == {"id", "username", "email"}
    assert answer.json()["id"][14] == "7"


async def test_sign_up_answers_400_when_the_name_is_taken_in_any_letter_case(api: Api) -> None:
    await api.sign_up()

    require_problem(await api.sign_up(username="JohnDoe"), 400, "username_taken", "Username already registered")


async def test_sign_up_does_not_tell_whether_an_address_is_known(api: Api) -> None:
    await api.sign_up()

    assert (await api.sign_up(username="other")).status_code == 201


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"password": "fourteen chars"}, "#/password", "password_too_short"),
        ({"password": ""}, "#/password", "password_too_short"),
        ({"password": "x" * 257}, "#/password", "password_too_long"),
        ({"password": "😀" * 257}, "#/password", "password_too_long"),
        ({"password": 12345678901234567890}, "#/password", "string_type"),
        ({"username": ""}, "#/username", "invalid_username"),
        ({"username": "two words"}, "#/username", "invalid_username"),
        ({"username": "\u212aelvin"}, "#/username", "invalid_username"),
        ({"username": "x" * 65}, "#/username", "invalid_username"),
        ({"username": "admin"}, "#/username", "username_reserved"),
        ({"username": None}, "#/username", "string_type"),
        ({"email": "nobody"}, "#/email", "invalid_email"),
        ({"email": " johndoe@example.com"}, "#/email", "invalid_email"),
        ({"email": "a@b\r\nBcc: c@d.example"}, "#/email", "invalid_email"),
        ({"is_admin": True}, "#", "extra_forbidden"),
    ],
)
async def test_sign_up_answers_422_and_says_where(api: Api, changed: dict[str, Any], pointer: str, code: str) -> None:
    answer = await api.sign_up(**changed)

    body = answer.json()
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [(pointer, code)]
    for sent in changed.values():
        assert not isinstance(sent, str) or len(sent) < 5 or sent not in answer.text
    assert "is_admin" not in answer.text


async def test_sign_up_answers_422_for_each_missing_member(api: Api) -> None:
    body = require_problem(await api.http.post("/signup", json={}), 422, "validation_failed")

    assert {error["pointer"] for error in body["errors"]} == {"#/username", "#/email", "#/password"}


async def test_ac04_no_id_in_an_answer_or_a_token_is_a_counter(api: Api) -> None:
    ids = []
    for name in ("one", "two", "three"):
        ids.append((await api.sign_up(username=name)).json()["id"])
        tokens = (await api.token(username=name, password=PASSWORD)).json()
        claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
        assert claims["sub"] == ids[-1] == (await api.me(tokens["access_token"])).json()["id"]
        ids.append(claims["sid"])
        assert len(claims["jti"]) >= 22

    numbers = [UUID(text) for text in ids]
    assert {number.version for number in numbers} <= {4, 7}
    assert not any(abs(one.int - other.int) < 2**32 for one, other in combinations(numbers, 2))


# Log in


async def test_log_in_answers_200_with_both_tokens_and_is_not_kept(api: Api) -> None:
    await api.sign_up()

    answer = await api.token(username="JOHNDOE", password=PASSWORD, grant_type="password", scope="", client_id="")

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 900)
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


async def test_en01_log_in_answers_401_alike_for_whoever_it_is(api: Api) -> None:
    await api.sign_up()
    await api.sign_up(username="disabled")
    await api.use_cases[DisableUser](username=Username("disabled"))
    await a_stored_user(api.store, a_user("corrupt", password_hash="x"))
    tried = [("nobody", PASSWORD), ("johndoe", "wrong"), ("disabled", PASSWORD), ("corrupt", PASSWORD)]
    tried += [("johndoe@example.com", PASSWORD), ("no such name!", PASSWORD)]

    answers = [await api.token(username=name, password=password) for name, password in tried]

    require_oauth_error(answers[0], 401, "invalid_grant", "invalid_credentials")
    assert answers[0].json()["detail"] == "Incorrect username or password"
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert {answer.content for answer in answers} == {answers[0].content}
    assert {(answer.status_code, tuple(sorted(answer.headers))) for answer in answers} == {
        (401, tuple(sorted(answers[0].headers)))
    }


@pytest.mark.parametrize(
    ("form", "missing"),
    [
        ({}, {"#/username", "#/password"}),
        ({"username": "johndoe", "password": ""}, {"#/password"}),
        ({"username": "", "password": "x"}, {"#/username"}),
        ({"grant_type": "refresh_token"}, {"#/refresh_token"}),
    ],
)
async def test_log_in_answers_422_for_a_missing_or_empty_field(api: Api, form: dict[str, str], missing: set[str]) -> None:
    body = require_problem(await api.token(**form), 422, "validation_failed")

    assert {error["pointer"] for error in body["errors"]} == missing


async def test_log_in_answers_400_to_a_grant_it_does_not_know(api: Api) -> None:
    require_oauth_error(await api.token(grant_type="magic"), 400, "unsupported_grant_type", "unsupported_grant_type")


async def test_log_in_answers_400_to_a_password_that_cannot_be_anyones(api: Api) -> None:
    answer = await api.token(username="johndoe", password="x" * 5000)

    require_oauth_error(answer, 400, "invalid_request", "password_too_long")


@pytest.mark.parametrize(
    "body",
    ["username=a&username=b&password=c", "username=%zz&password=c", "username=%ff&password=c", "username=%00&password=c"],
)
async def test_log_in_answers_400_to_a_malformed_form(api: Api, body: str) -> None:
    answer = await api.http.post("/token", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})

    require_oauth_error(answer, 400, "invalid_request", "invalid_form")


async def test_log_in_answers_415_to_json(api: Api) -> None:
    require_problem(await api.http.post("/token", json={"username": "a", "password": "b"}), 415, "unsupported_media_type")


async def test_swaggers_empty_client_is_no_client_authentication(api: Api) -> None:
    await api.sign_up()
    form = {"username": "johndoe", "password": PASSWORD, "client_id": "", "client_secret": ""}

    answer = await api.http.post("/token", data=form, headers={"Authorization": "Basic Og=="})

    assert answer.status_code == 200


@pytest.mark.parametrize(("header", "secret"), [("Basic YTpi", ""), ("Basic !", ""), ("basic YTpi", ""), (None, "a-secret")])
async def test_any_other_client_secret_is_401_invalid_client(api: Api, header: str | None, secret: str) -> None:
    await api.sign_up()
    form = {"username": "johndoe", "password": PASSWORD, "client_secret": secret}

    answer = await api.http.post("/token", data=form, headers={"Authorization": header} if header else {})

    require_oauth_error(answer, 401, "invalid_client", "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


async def test_the_refresh_token_grant_rotates_and_answers_400_to_a_bad_token(api: Api) -> None:
    tokens = await api.log_in()

    answer = await api.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != tokens["refresh_token"]
    require_oauth_error(
        await api.token(grant_type="refresh_token", refresh_token=FORGED), 400, "invalid_grant", "invalid_refresh_token"
    )


# Who am I


async def test_who_am_i_answers_200_with_the_subject_of_the_token(api: Api) -> None:
    tokens = await api.log_in()

    answer = await api.me(tokens["access_token"])

    assert answer.status_code == 200
    assert answer.json().keys() == {"id", "username", "email", "email_verified", "created_at"}
    assert answer.json()["email_verified"] is False


async def test_who_am_i_answers_401_without_a_token(api: Api) -> None:
    for headers in ({}, {"Authorization": "Basic Og=="}, {"X-Token": "x"}):
        answer = await api.http.get("/users/me", headers=headers)

        require_problem(answer, 401, "not_authenticated", "Not authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_tk16_who_am_i_answers_401_alike_to_every_bad_token(api: Api) -> None:
    tokens = await api.log_in()
    head, body, mac = tokens["access_token"].split(".")
    bad = ["", "x", "a.b.c", tokens["refresh_token"], f"{head}.{body}.", f"{head}.{body}.{mac}=", f"{head}.{body}", "x" * 9000]
    bad += [f"{head}.{body}.{mac[::-1]}", f"{head}.{body[:-2]}AA.{mac}", f"{tokens['access_token']}.{mac}"]

    answers = [await api.me(token) for token in bad]

    for answer in answers:
        require_problem(answer, 401, "invalid_access_token", "Could not validate credentials")
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert len({answer.content for answer in answers}) == 1


async def test_tk17_two_authorization_headers_arerequire_oauth_error(api: Api) -> None:
    tokens = await api.log_in()
    twice = [("Authorization", f"Bearer {tokens['access_token']}")] * 2

    require_problem(await api.http.get("/users/me", headers=twice), 401, "invalid_access_token")


async def test_tk17_a_token_in_the_query_or_a_cookie_is_none(api: Api) -> None:
    tokens = await api.log_in()
    token = tokens["access_token"]

    in_query = await api.http.get("/users/me", params={"access_token": token})
    in_cookie = await api.http.get("/users/me", headers={"Cookie": f"access_token={token}"})

    require_problem(in_query, 401, "not_authenticated")
    require_problem(in_cookie, 401, "not_authenticated")


# Refresh


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
async def test_refresh_answers_200_with_the_next_pair(api: Api, form: bool) -> None:
    tokens = await api.log_in()
    body = {"refresh_token": tokens["refresh_token"]}

    answer = await (api.http.post("/refresh", data=body) if form else api.http.post("/refresh", json=body))

    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != tokens["refresh_token"]
    assert (await api.me(answer.json()["access_token"])).status_code == 200


async def test_refresh_answers_401_to_what_is_no_refresh_token(api: Api) -> None:
    tokens = await api.log_in()

    for token in ("", "x", FORGED, tokens["access_token"], tokens["refresh_token"] + "A"):
        answer = await api.refresh(token)
        if token:
            require_problem(answer, 401, "invalid_refresh_token", "Could not validate credentials")
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        else:
            require_problem(answer, 422, "validation_failed")


async def test_refresh_answers_422_without_a_token_or_with_more(api: Api) -> None:
    for body in ({}, {"refresh_token": None}, {"refresh_token": 1}, {"refresh_token": FORGED, "more": 1}):
        require_problem(await api.http.post("/refresh", json=body), 422, "validation_failed")
    require_problem(await api.http.post("/refresh"), 422, "validation_failed")


async def test_refresh_answers_400_to_a_token_in_the_query(api: Api) -> None:
    tokens = await api.log_in()

    answer = await api.http.post("/refresh", params={"refresh_token": tokens["refresh_token"]})

    require_problem(answer, 400, "refresh_token_in_query", "Send refresh_token in the request body")
    assert (await api.refresh(tokens["refresh_token"])).status_code == 200


async def test_refresh_serves_the_query_where_the_operator_says_so_without_a_second_answer(lenient_api: Api) -> None:
    tokens = await lenient_api.log_in()
    query = {"refresh_token": tokens["refresh_token"]}

    first = await lenient_api.http.post("/refresh", params=query)
    second = await lenient_api.http.post("/refresh", params=query)

    assert first.status_code == 200
    assert first.headers["deprecation"].startswith("@")
    require_problem(second, 401, "invalid_refresh_token")
    assert (await lenient_api.refresh(first.json()["refresh_token"])).status_code == 401


# Log out


@pytest.mark.parametrize("how", ["bearer", "json", "form"])
async def test_log_out_answers_204_however_often_and_holds_at_once(api: Api, how: str) -> None:
    tokens = await api.log_in()
    body = {"refresh_token": tokens["refresh_token"]}

    for _ in range(2):
        match how:
            case "bearer":
                headers = {"Authorization": f"Bearer {tokens['access_token']}"}
                answer = await api.http.post("/logout", headers=headers)
            case "json":
                answer = await api.http.post("/logout", json=body)
            case _:
                answer = await api.http.post("/logout", data=body)
        assert (answer.status_code, answer.content) == (204, b"")

    assert (await api.me(tokens["access_token"])).status_code == 401
    assert (await api.refresh(tokens["refresh_token"])).status_code == 401


async def test_log_out_answers_401_to_a_forged_token_or_none(api: Api) -> None:
    require_problem(await api.http.post("/logout"), 401, "not_authenticated")
    require_problem(await api.http.post("/logout", json={"refresh_token": FORGED}), 401, "invalid_refresh_token")
    require_problem(await api.http.post("/logout", headers={"Authorization": "Bearer a.b.c"}), 401, "invalid_access_token")


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b'{"username": "a", "username": "b"}',
        b'{"username": NaN}',
        b'{"username": "\\ud800"}',
        b'{"username": "\\u0000"}',
        b'{"a":' * 20 + b"1" + b"}" * 20,
        b"[" * 5000,
    ],
)
async def test_ht05_json_that_is_not_one_plain_object_is_400_or_422(api: Api, body: bytes) -> None:
    answer = await api.http.post("/signup", content=body, headers={"Content-Type": "application/json"})

    require_problem(answer, 400 if body else 422, "invalid_json" if body else "validation_failed")


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/xml", "application/jsonp", "multipart/form-data"])
async def test_ht07_another_media_type_is_415(api: Api, media_type: str) -> None:
    body = json.dumps(SIGN_UP).encode()

    answer = await api.http.post("/signup", content=body, headers={"Content-Type": media_type})

    require_problem(answer, 415, "unsupported_media_type")


async def test_ht14_paths_and_methods_are_exact(api: Api) -> None:
    for path in ("/token/", "//token", "/Token", "/nowhere"):
        require_problem(await api.http.post(path, data={"username": "a", "password": "b"}), 404, "not_found")
    answer = await api.http.get("/token")
    require_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


# The rest


async def test_the_key_set_is_public_and_may_be_kept_for_five_minutes(api: Api) -> None:
    answer = await api.http.get("/.well-known/jwks.json")

    keys = answer.json()["keys"]
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert [key.keys() for key in keys] == [{"kid", "use", "alg", "kty", "crv", "x", "y"}] * 2  # one signs, one will


async def test_ht15_health_says_no_more_than_it_must(api: Api) -> None:
    assert (await api.http.get("/health/live")).json() == {"status": "live"}
    assert (await api.http.get("/health/ready")).json() == {"status": "ready"}


async def test_a_request_id_is_kept_if_it_is_plain_and_made_if_not(api: Api) -> None:
    kept = await api.http.get("/health/live", headers={"X-Request-ID": "abc-123"})
    made = await api.http.get("/health/live", headers={"X-Request-ID": "a b"})

    assert kept.headers["x-request-id"] == "abc-123"
    assert len(made.headers["x-request-id"]) == 32


async def test_a_bug_is_a_500_that_says_nothing_of_itself(api: Api) -> None:
    async def broken(**_: Any) -> None:
        raise RuntimeError("a secret of the inside")

    tokens = await api.log_in()
    api.use_cases[next(kind for kind in api.use_cases if kind.__name__ == "GetCurrentUser")] = broken

    answer = await api.me(tokens["access_token"])

    require_problem(answer, 500, "internal_error")
    assert "inside" not in answer.text
    assert answer.headers["x-request-id"]
