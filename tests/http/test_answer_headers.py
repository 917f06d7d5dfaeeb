from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi.routing import APIRoute

from entrypoints.http.app import ROUTERS
from tests.http.api import Api, an_api
from tests.http.operations import SOME_ID

ALLOWED = "https://app.example.com"
NOT_ALLOWED = [
    "null",
    "*",
    "",
    "https://app.example.com.evil.example",
    "https://evil.example/https://app.example.com",
    "https://app.example.com/",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://APP.example.com",
    "https://sub.app.example.com",
    "https://app.example.com, https://evil.example",
    "https://app.example.com\x00",
    "https://app\u2024example.com",
    "file://",
]
ROUTES = [
    (method, route.path_format.replace("{id}", SOME_ID))
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]


@pytest.fixture
async def over_tls() -> AsyncIterator[Api]:
    async with an_api(issuer="https://login.example.com") as made:
        yield made


async def every_kind_of_answer(api: Api) -> dict[str, httpx2.Response]:
    tokens = await api.log_in()
    return {
        "200 with tokens": await api.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]),
        "200 with user data": await api.me(tokens["access_token"]),
        "201 with user data": await api.sign_up(username="another"),
        "204": await api.http.post("/logout", headers={"Authorization": f"Bearer {tokens['access_token']}"}),
        "400": await api.token(grant_type="magic"),
        "401 at /token": await api.token(username="nobody", password="a wrong password"),
        "401": await api.http.get("/users/me"),
        "404": await api.http.get("/nowhere"),
        "405": await api.http.get("/token"),
        "413": await api.http.post("/token", content=b"x" * 20_000),
        "415": await api.http.post("/token", content=b"x"),
        "422": await api.http.post("/signup", json={}),
        "docs": await api.http.get("/docs"),
        "assets": await api.http.get("/docs/assets/start.js"),
    }


async def test_ht09_every_answer_that_does_not_say_otherwise_is_not_kept(api: Api) -> None:
    for kind, answer in (await every_kind_of_answer(api)).items():
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache"), kind


@pytest.mark.parametrize(("path", "seconds"), [("/.well-known/jwks.json", 300), ("/.well-known/revocations", 1)])
async def test_ht09_only_what_is_published_for_verifiers_may_be_kept(api: Api, path: str, seconds: int) -> None:
    answer = await api.http.get(path)

    assert answer.headers["cache-control"] == f"public, max-age={seconds}"
    assert "pragma" not in answer.headers


async def test_ht10_every_answer_is_taken_for_what_it_is_and_never_framed(api: Api) -> None:
    for kind, answer in (await every_kind_of_answer(api)).items():
        assert answer.headers["x-content-type-options"] == "nosniff", kind
        assert answer.headers["referrer-policy"] == "no-referrer", kind
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], kind
        assert "default-src 'none'" in answer.headers["content-security-policy"], kind
        assert "server" not in answer.headers, kind
        assert len(answer.headers.get_list("content-security-policy")) == 1, kind


async def test_ht10_browsers_are_told_to_stay_with_https_where_the_issuer_is_https(api: Api, over_tls: Api) -> None:
    for kind, answer in (await every_kind_of_answer(over_tls)).items():
        assert answer.headers["strict-transport-security"] == "max-age=31536000", kind
    for kind, answer in (await every_kind_of_answer(api)).items():
        assert "strict-transport-security" not in answer.headers, kind


async def test_ht12_no_answer_sets_a_cookie_where_nobody_is_slowed_down(api: Api, lenient_api: Api) -> None:
    for asked in (api, lenient_api):
        for kind, answer in (await every_kind_of_answer(asked)).items():
            assert "set-cookie" not in answer.headers, kind


async def test_ht12_no_cookie_is_a_credential(api: Api) -> None:
    tokens = await api.log_in()
    names = ["access_token", "refresh_token", "token", "session", "sid", "Authorization", "__Host-session", "Bearer"]
    values = [tokens["access_token"], tokens["refresh_token"], f"Bearer {tokens['access_token']}"]
    cookie = "; ".join(f"{name}={value}" for name in names for value in values)

    for method, path in ROUTES:
        without = await api.http.request(method, path)
        assert (await api.http.request(method, path, headers={"Cookie": cookie})).content == without.content
    assert (await api.me(tokens["access_token"])).status_code == 200


# Pages of other origins


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_ht11_a_page_of_a_listed_origin_may_ask_every_route(lenient_api: Api, method: str, path: str) -> None:
    asked = {"Origin": ALLOWED, "Access-Control-Request-Method": method}
    asked["Access-Control-Request-Headers"] = "authorization, content-type, x-request-id"

    preflight = await lenient_api.http.options(path, headers=asked)
    answer = await lenient_api.http.request(method, path, headers={"Origin": ALLOWED})

    assert preflight.status_code == 200
    assert method in preflight.headers["access-control-allow-methods"]
    for each in (preflight, answer):
        assert each.headers["access-control-allow-origin"] == ALLOWED
        assert "access-control-allow-credentials" not in each.headers
        assert "origin" in each.headers["vary"].lower()
        assert each.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("origin", NOT_ALLOWED)
async def test_ht11_a_page_of_any_other_origin_is_told_nothing(lenient_api: Api, origin: str) -> None:
    sent = [(b"Origin", origin.encode())]

    preflight = await lenient_api.http.options("/token", headers=[*sent, (b"Access-Control-Request-Method", b"POST")])
    answer = await lenient_api.http.get("/health/live", headers=sent)

    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers
        assert "access-control-allow-credentials" not in each.headers
        assert len(origin) < 10 or origin not in each.text


async def test_ht11_an_origin_is_not_believed_because_a_token_names_it(lenient_api: Api) -> None:
    tokens = await lenient_api.log_in()
    headers = {"Origin": "http://127.0.0.1:8000", "Authorization": f"Bearer {tokens['access_token']}"}  # its iss and aud

    answer = await lenient_api.http.get("/users/me", headers=headers)

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_ht11_by_default_no_page_of_another_origin_may_ask(api: Api) -> None:
    for method, path in ROUTES:
        preflight = await api.http.options(path, headers={"Origin": ALLOWED, "Access-Control-Request-Method": method})
        answer = await api.http.request(method, path, headers={"Origin": ALLOWED})

        assert preflight.status_code == 405
        assert not [name for each in (preflight, answer) for name in each.headers if name.startswith("access-control")]


async def test_ht11_an_answer_that_may_be_kept_is_kept_for_each_origin_by_itself(lenient_api: Api) -> None:
    answer = await lenient_api.http.get("/.well-known/jwks.json")

    assert answer.headers["vary"] == "Origin"


async def test_ht11_refusals_and_bugs_can_be_read_by_the_pages_that_may_ask(lenient_api: Api) -> None:
    async def broken() -> None:
        raise RuntimeError

    lenient_api.use_cases[next(kind for kind in lenient_api.use_cases if kind.__name__ == "PublishKeySet")] = broken
    large = await lenient_api.http.post("/token", content=b"x" * 20_000, headers={"Origin": ALLOWED})
    bug = await lenient_api.http.get("/.well-known/jwks.json", headers={"Origin": ALLOWED})

    assert (large.status_code, bug.status_code) == (413, 500)
    for answer in (large, bug):
        assert answer.headers["access-control-allow-origin"] == ALLOWED
