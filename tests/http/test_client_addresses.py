import time
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from entrypoints.http.proxies import ClientBehindProxies
from tests.http.api import SIGN_UP, Api, an_api

NAMES = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Forwarded-Host", "X-Forwarded-Proto"]
MALFORMED = [
    "",
    " ",
    ",",
    ",,,,",
    "unknown",
    "_hidden",
    "localhost",
    "127.0.0.1",
    "127.0.0.1, 127.0.0.1",
    "127.0.0.1\t,\t10.0.0.1",
    "256.256.256.256",
    "1.2.3.4:99999",
    "0x7f.1",
    "::1",
    "[::1]:80",
    "fe80::1%eth0",
    "::ffff:127.0.0.1",
    "1.2.3.4, \u00ff",
    'for="_gazonk"; by=; proto=x',
    "a" * 4000,
    "1.2.3.4" + ", 1.2.3.4" * 500,
    "' OR '1'='1",
    "%0d%0aX-Injected: 1",
]


def told(answer: httpx2.Response) -> tuple[int, bytes, list[str]]:
    names = [name for name in answer.headers if name != "x-request-id"]
    return answer.status_code, answer.content if answer.status_code != 200 else b"", sorted(names)


@pytest.mark.parametrize("value", MALFORMED, ids=lambda value: ascii(value)[:30])
async def test_forwarded_header_hostile(api: Api, value: str) -> None:
    await api.sign_up()
    attempts = [
        {"username": name, "password": secret} for name, secret in (("johndoe", SIGN_UP["password"]), ("johndoe", "wrong"))
    ]

    for form in [*attempts, {"username": "nobody", "password": "wrong"}, {"username": "johndoe"}]:
        without = await api.http.post("/token", data=form)
        for name in NAMES:
            sent = [(name.encode(), value.encode("latin-1"))]
            for headers in (sent, sent * 2):
                assert told(await api.http.post("/token", data=form, headers=headers)) == told(without), name


async def test_ht13_no_proxy_is_believed_about_who_calls_or_by_which_name(api: Api) -> None:
    answer = await api.sign_up()
    spoofed = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil",
    }

    pointed = await api.http.post("/signup", json={**SIGN_UP, "username": "another"}, headers=spoofed)

    assert pointed.headers["location"] == answer.headers["location"] == "/users/me"
    assert "evil" not in pointed.text


@pytest.fixture
async def proxied_api() -> AsyncIterator[Api]:
    """Asked from 127.0.0.1, which it takes for a proxy."""
    async with an_api(trusted_proxies="127.0.0.1/32, 10.0.0.0/8, 2001:db8:aaaa::/48") as made:
        yield made


async def network_of(api: Api, headers: Sequence[tuple[str, str]]) -> str:
    """Where a log-in with these headers came from, as its user sees it."""
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    answer = await api.http.post("/token", data={"username": "johndoe", "password": SIGN_UP["password"]}, headers=sent)
    token = answer.json()["access_token"]
    seen = await api.http.get("/users/me/sessions", headers={"Authorization": f"Bearer {token}"})
    [mine] = [session for session in seen.json()["sessions"] if session["current"]]
    network: str = mine["network"]
    return network


@pytest.mark.parametrize(
    ("headers", "network"),
    [
        ([("X-Forwarded-For", "203.0.113.7")], "203.0.113.0/24"),
        ([("X-Forwarded-For", "203.0.113.7:4711")], "203.0.113.0/24"),
        ([("X-Forwarded-For", "6.6.6.6, 203.0.113.7")], "203.0.113.0/24"),
        ([("X-Forwarded-For", "203.0.113.7, 10.1.2.3")], "203.0.113.0/24"),
        ([("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.7")], "203.0.113.0/24"),
        ([("X-Forwarded-For", "2001:db8:1:2::7")], "2001:db8:1::/48"),
        ([("X-Forwarded-For", "[2001:db8:1:2::7]:443")], "2001:db8:1::/48"),
        ([("Forwarded", "for=203.0.113.7;proto=https;by=10.0.0.1")], "203.0.113.0/24"),
        ([("Forwarded", 'For="[2001:db8:1:2::7]:4711"')], "2001:db8:1::/48"),
        ([("Forwarded", "for=6.6.6.6, for=203.0.113.7; proto=https, for=10.0.0.2")], "203.0.113.0/24"),
        ([("Forwarded", "for=203.0.113.7"), ("X-Forwarded-For", "203.0.113.7")], "203.0.113.0/24"),
    ],
)
async def test_ht13_a_trusted_proxy_is_believed_about_who_calls(
    proxied_api: Api, headers: list[tuple[str, str]], network: str
) -> None:
    await proxied_api.sign_up()

    assert await network_of(proxied_api, headers) == network


@pytest.mark.parametrize("value", MALFORMED, ids=lambda value: ascii(value)[:30])
async def test_forwarded_header_hostile_before_a_proxy_that_adds_to_it(proxied_api: Api, value: str) -> None:
    await proxied_api.sign_up()

    assert await network_of(proxied_api, [("X-Forwarded-For", f"{value}, 203.0.113.7")]) == "203.0.113.0/24"
    assert await network_of(proxied_api, [("X-Forwarded-For", value), ("X-Forwarded-For", "203.0.113.7")]) == "203.0.113.0/24"


@pytest.mark.parametrize(
    "headers",
    [
        [("Forwarded", 'for="6.6.6.6, for=203.0.113.7')],  # an open quote
        [("Forwarded", "for=unknown")],
        [("Forwarded", "for=_hidden")],
        [("Forwarded", "proto=https")],
        [("Forwarded", "for=6.6.6.6 for=203.0.113.7")],
        [("X-Forwarded-For", "fe80::1%eth0")],
        [("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=203.0.113.7")],  # one of them nobody vouches for
        [("X-Real-IP", "6.6.6.6")],
        [("X-Forwarded-For", "")],
    ],
)
async def test_ht13_what_cannot_be_told_is_the_proxys_own(proxied_api: Api, headers: list[tuple[str, str]]) -> None:
    await proxied_api.sign_up()

    assert await network_of(proxied_api, headers) == "127.0.0.0/24"


async def test_ht13_a_long_list_costs_little_and_the_nearest_proxies_count() -> None:
    seen = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["client"][0])

    behind = ClientBehindProxies(app, trusted=[ip_network("10.0.0.0/8")])
    far = ", ".join(["6.6.6.6"] * 2000 + ["203.0.113.7", "10.0.0.2"]).encode()

    await behind(
        {"type": "http", "client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", far)]},
        None,  # type: ignore[arg-type]  # it is not called
        None,  # type: ignore[arg-type]
    )

    assert seen == ["203.0.113.7"]


@pytest.mark.parametrize("hop", [b"a=b,", b"for=1.1.1.1,", b"a=b;", b'a="\\a";', b",", b'for="'])
async def test_ht13_a_long_header_of_a_hostile_client_costs_little_whatever_is_in_it(hop: bytes) -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None: ...

    behind = ClientBehindProxies(app, trusted=[ip_network("10.0.0.0/8")])
    took = []
    for _ in range(5):
        scope = {"type": "http", "client": ("10.0.0.1", 1), "headers": [(b"forwarded", hop * (16_000 // len(hop)) + b"a=b")]}
        began = time.process_time()
        await behind(scope, None, None)  # type: ignore[arg-type]  # they are not called
        took.append(time.process_time() - began)

    assert min(took) < 0.015
