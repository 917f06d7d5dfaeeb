"""RFC 7662 and RFC 7009, as clients see them."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

import httpx2
import pytest

from application.clients.add_client import AddClient
from application.clients.remove_client import RemoveClient
from application.directory.disable_user import DisableUser
from domain.client import ClientId
from domain.username import Username
from tests.examples import feed_entry
from tests.http.api import FORGED, Api, an_api, require_oauth_error

NOT_ACTIVE = {"active": False}
BOTH = pytest.mark.parametrize("path", ["/introspect", "/revoke"])


@dataclass(frozen=True, slots=True)
class Asking:
    """An API, and a client that asks it."""

    api: Api
    secret: str

    async def post(self, path: str, form: dict[str, str], auth: tuple[str, str] | None = None) -> httpx2.Response:
        return await self.api.http.post(path, data=form, auth=auth or ("billing", self.secret))

    async def introspect(self, token: str, **form: str) -> Any:
        answer = await self.post("/introspect", {"token": token, **form})
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def revoke(self, token: str, **form: str) -> None:
        answer = await self.post("/revoke", {"token": token, **form})
        assert (answer.status_code, answer.content) == (200, b""), answer.text


@pytest.fixture
async def asking(api: Api) -> Asking:
    return Asking(api, (await api.use_cases[AddClient](id=ClientId("billing"))).text)


async def test_an_access_token_that_is_good_is_told_as_it_is(asking: Asking) -> None:
    tokens = await asking.api.log_in()
    me = (await asking.api.me(tokens["access_token"])).json()

    told = await asking.introspect(tokens["access_token"], token_type_hint="access_token")

    sid, exp = told.pop("sid"), told.pop("exp")
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "client_id": "portunus",
        "username": "johndoe",
        "sub": me["id"],
        "iss": "http://127.0.0.1:8000",
        "aud": "http://127.0.0.1:8000",
    }
    assert len(sid) == 36
    assert exp > 1_700_000_000


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense"])
async def test_a_refresh_token_is_told_whatever_the_hint_and_looking_spends_nothing(asking: Asking, hint: str) -> None:
    tokens = await asking.api.log_in()

    told = [await asking.introspect(tokens["refresh_token"], token_type_hint=hint) for _ in range(2)]

    assert told[0] == told[1]
    assert told[0]["active"] is True
    assert "token_type" not in told[0]
    assert (await asking.api.refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", FORGED, "eyJhbGciOiJub25lIn0.e30.", str(UUID(int=1)), "\ud7ff", "x" * 9000])
async def test_oa06_what_is_not_ours_is_not_active_and_there_is_no_word_of_why(asking: Asking, token: str) -> None:
    assert await asking.introspect(token) == NOT_ACTIVE


async def test_oa06_a_mutated_token_is_not_active(asking: Asking) -> None:
    tokens = await asking.api.log_in()

    for token in (tokens["access_token"], tokens["refresh_token"]):
        forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
        assert await asking.introspect(forged) == NOT_ACTIVE


async def test_oa06_a_token_of_another_portunus_is_not_active(asking: Asking) -> None:
    async with an_api(issuer="https://other.example.com") as other:
        foreign = await other.log_in()

    assert await asking.introspect(foreign["access_token"]) == NOT_ACTIVE
    assert await asking.introspect(foreign["refresh_token"]) == NOT_ACTIVE  # of no session that is here


@pytest.mark.parametrize("end", ["log out", "disable", "reuse"])
async def test_oa06_what_has_ended_is_not_active_from_the_next_request_on(asking: Asking, end: str) -> None:
    first = await asking.api.log_in()
    second = (await asking.api.refresh(first["refresh_token"])).json()
    assert await asking.introspect(first["refresh_token"]) == NOT_ACTIVE  # rotated away

    if end == "log out":
        await asking.api.http.post("/logout", json={"refresh_token": second["refresh_token"]})
    elif end == "disable":
        await asking.api.use_cases[DisableUser](username=Username("johndoe"))
    else:
        third = (await asking.api.refresh(second["refresh_token"])).json()
        await asking.api.refresh(first["refresh_token"])
        second = third

    assert await asking.introspect(second["access_token"]) == NOT_ACTIVE
    assert await asking.introspect(second["refresh_token"]) == NOT_ACTIVE


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_oa07_revoking_either_token_ends_the_session_and_no_other(asking: Asking, kind: str) -> None:
    tokens, other = await asking.api.log_in(), await asking.api.log_in()

    await asking.revoke(tokens[kind])

    assert (await asking.api.me(tokens["access_token"])).status_code == 401
    assert (await asking.api.refresh(tokens["refresh_token"])).status_code == 401
    assert (await asking.api.me(other["access_token"])).status_code == 200
    assert (await asking.api.refresh(other["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["x", FORGED, "a.b.c", str(UUID(int=1))])
async def test_oa07_revoking_what_is_unknown_is_200(asking: Asking, token: str) -> None:
    await asking.revoke(token, token_type_hint="refresh_token")


async def test_oa07_revoking_twice_is_as_once(asking: Asking) -> None:
    tokens = await asking.api.log_in()

    await asking.revoke(tokens["refresh_token"])
    await asking.revoke(tokens["refresh_token"])

    assert (await asking.api.me(tokens["access_token"])).status_code == 401


@BOTH
@pytest.mark.parametrize(
    "auth", [("billing", "wrong"), ("billing", ""), ("nobody", "secret"), ("", ""), ("a b", "x"), ("é", "é")]
)
async def test_oa06_a_client_that_is_unknown_or_has_another_secret_is_401_alike(
    asking: Asking, path: str, auth: tuple[str, str]
) -> None:
    answer = await asking.post(path, {"token": "x"}, auth)

    require_oauth_error(answer, 401, "invalid_client", "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@BOTH
@pytest.mark.parametrize(
    "header", [None, "Bearer x", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic /w=="]
)
async def test_oa06_without_client_authentication_it_is_401(asking: Asking, path: str, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    answer = await asking.api.http.post(path, data={"token": "x"}, headers=headers)

    require_oauth_error(answer, 401, "invalid_client", "invalid_client")


@BOTH
async def test_an_access_token_is_no_client_authentication(asking: Asking, path: str) -> None:
    tokens = await asking.api.log_in()

    answer = await asking.api.http.post(
        path, data={"token": tokens["access_token"]}, headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )

    require_oauth_error(answer, 401, "invalid_client", "invalid_client")
    assert (await asking.api.me(tokens["access_token"])).status_code == 200


@BOTH
async def test_client_authentication_in_the_form_is_taken_and_two_at_once_are_not(asking: Asking, path: str) -> None:
    form = {"token": "x", "client_id": "billing", "client_secret": asking.secret}

    assert (await asking.api.http.post(path, data=form)).status_code == 200
    assert (await asking.post(path, form)).status_code == 401
    assert (await asking.post(path, {"token": "x", "client_id": "another"})).status_code == 401
    assert (await asking.post(path, {"token": "x", "client_id": "billing"})).status_code == 200
    assert (await asking.api.http.post(path, data=form, headers={"Authorization": "Bearer x"})).status_code == 401


@BOTH
async def test_basic_is_decoded_as_rfc_6749_asks(asking: Asking, path: str) -> None:
    encoded = base64.b64encode(f"{quote_plus('billing')}:{quote_plus(asking.secret)}".encode()).decode()

    answer = await asking.api.http.post(path, data={"token": "x"}, headers={"Authorization": f"bAsIc {encoded}"})

    assert answer.status_code == 200


@BOTH
async def test_without_a_token_it_is_400_invalid_request(asking: Asking, path: str) -> None:
    require_oauth_error(await asking.post(path, {}), 400, "invalid_request", "token_missing")
    require_oauth_error(await asking.post(path, {"token": ""}), 400, "invalid_request", "token_missing")


@BOTH
async def test_a_removed_client_is_refused_at_the_next_request(asking: Asking, path: str) -> None:
    await asking.api.use_cases[RemoveClient](id=ClientId("billing"))

    require_oauth_error(await asking.post(path, {"token": "x"}), 401, "invalid_client", "invalid_client")


@BOTH
async def test_parameters_without_a_value_are_as_none_and_unknown_ones_are_let_be(asking: Asking, path: str) -> None:
    # RFC 6749 3.1: as if they were omitted; and a server ignores what it does not know
    form = {"token": "x", "client_id": "", "client_secret": "", "token_type_hint": "", "resource": "https://x.example.com"}

    assert (await asking.post(path, form)).status_code == 200


@BOTH
async def test_a_token_in_the_query_string_is_not_read(asking: Asking, path: str) -> None:
    answer = await asking.post(f"{path}?token=x", {})

    require_oauth_error(answer, 400, "invalid_request", "token_missing")


@BOTH
async def test_two_tokens_are_400_invalid_request(asking: Asking, path: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await asking.api.http.post(path, content="token=x&token=y", headers=headers, auth=("billing", asking.secret))

    require_oauth_error(answer, 400, "invalid_request", "invalid_form")


@BOTH
async def test_the_token_is_not_looked_at_before_the_client_is_known(asking: Asking, path: str) -> None:
    tokens = await asking.api.log_in()

    sent = ("x", tokens["access_token"], tokens["refresh_token"])
    answers = [await asking.post(path, {"token": token}, ("billing", "wrong")) for token in sent]

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert (await asking.api.me(tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_services_that_verify_offline_are_told_of_what_a_client_revokes(asking: Asking, kind: str) -> None:
    tokens = await asking.api.log_in()

    await asking.revoke(tokens[kind])

    told = (await asking.api.http.get("/.well-known/revocations")).json()
    assert told["revoked"] == [feed_entry(tokens["access_token"])]


async def test_a_refresh_token_that_was_rotated_away_revokes_its_session_too(asking: Asking) -> None:
    first = await asking.api.log_in()
    second = (await asking.api.refresh(first["refresh_token"])).json()

    await asking.revoke(first["refresh_token"])

    assert (await asking.api.me(second["access_token"])).status_code == 401
    assert (await asking.api.refresh(second["refresh_token"])).status_code == 401
