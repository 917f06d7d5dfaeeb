import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from adapters.security.unthrottled import Unthrottled
from application.limits.admit_request import AdmitRequest
from application.sessions.login import Login
from application.sessions.refresh_access import RefreshAccess
from domain.session import InvalidRefreshToken
from domain.turn import Line
from entrypoints.http.app import create_app
from entrypoints.http.middleware import MOST_BYTES, RequestLimits
from tests.fakes import FakePasswordHasher
from tests.http.api import FORGED, SIGN_UP, Api, an_api, require_problem

JSON = {"Content-Type": "application/json"}
Headers = list[tuple[bytes, bytes]]


async def ask(api: Api, headers: Headers, messages: Iterable[dict[str, Any]] = (), **scope: Any) -> list[dict[str, Any]]:
    """What the application sends to a request as no client would make it. It is an error to read on after `messages`."""
    left, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/logout", "raw_path": b"/logout"}
    whole |= {"query_string": b"", "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
    await api.app({**whole, "headers": headers, **scope}, receive, send)
    assert left == []
    return sent


def a_chunk(size: int, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def closed_with(sent: list[dict[str, Any]], status: int) -> bool:
    return sent[0]["status"] == status and (b"connection", b"close") in sent[0]["headers"] and not sent[-1]["more_body"]


@pytest.mark.parametrize("path", ["/signup", "/token", "/refresh", "/logout", "/users/me", "/nowhere"])
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
async def test_ht01_a_body_over_16_kib_is_413_and_the_connection_is_closed(api: Api, path: str, media_type: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 1024

    for content in (b"x" * (MOST_BYTES + 1), b"x" * 1_000_000, chunks()):
        answer = await api.http.post(path, content=content, headers={"Content-Type": media_type})

        require_problem(answer, 413, "request_entity_too_large")
        assert answer.headers["connection"] == "close"


async def test_ht01_a_body_of_16_kib_is_read(api: Api) -> None:
    body = b'{"refresh_token": "' + b"x" * (MOST_BYTES - 21) + b'"}'

    answer = await api.http.post("/refresh", content=body, headers=JSON)

    assert len(body) == MOST_BYTES
    require_problem(answer, 401, "invalid_refresh_token")


async def test_ht01_what_says_that_it_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        assert sent[0]["status"] == 413
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/signup", "query_string": b""}
    await api.app({**scope, "headers": [(b"host", b"x"), (b"content-length", b"999999999")]}, receive, send)

    assert closed_with(sent, 413)


async def test_ht01_a_stream_is_counted_as_it_comes_and_no_more_than_256_kib_of_it_are_drained(api: Api) -> None:
    endless = [a_chunk(64 * 1024, more=True)] * 6  # the answer comes after the first, the end after five more

    sent = await ask(api, [(b"host", b"x"), (b"transfer-encoding", b"chunked")], endless)

    assert closed_with(sent, 413)


async def test_ht01_small_chunks_add_up(api: Api) -> None:
    chunks = [a_chunk(1024, more=True)] * 17

    sent = await ask(api, [(b"host", b"x"), (b"transfer-encoding", b"chunked")], [*chunks, a_chunk(1, more=False)])

    assert closed_with(sent, 413)


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_answered_nothing(api: Api) -> None:
    chunks = [a_chunk(10, more=True), {"type": "http.disconnect"}]

    assert await ask(api, [(b"host", b"x"), (b"content-length", b"100")], chunks) == []


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-length", b"1"), (b"transfer-encoding", b"chunked")],
        [(b"content-length", b"1"), (b"content-length", b"1")],
        [(b"content-length", b"1"), (b"content-length", b"2")],
        [(b"content-length", b"1, 1")],
        [(b"content-length", b"-1")],
        [(b"content-length", b"+1")],
        [(b"content-length", b"0x1")],
        [(b"content-length", b"1_0")],
        [(b"content-length", "\u0661".encode())],
        [(b"content-length", b"")],
        [(b"content-length", b"9" * 5000)],
        [(b"transfer-encoding", b"gzip, chunked")],
        [(b"transfer-encoding", b"chunked, chunked")],
        [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"identity")],
        [(b"transfer-encoding", b"xchunked")],
        [(b"transfer-encoding", b"")],
        [(b"host", b"y")],
    ],
)
async def test_ht04_a_head_that_can_be_read_in_two_ways_is_400_and_the_connection_is_closed(api: Api, headers: Headers) -> None:
    sent = await ask(api, [(b"host", b"x"), *headers], [a_chunk(1, more=False)] * (headers != [(b"host", b"y")]))

    assert closed_with(sent, 400)
    assert b'"code":"malformed_request"' in sent[1]["body"]


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("0.9", [(b"host", b"x")]),
        ("1.1", []),
        ("1.0", [(b"host", b"x"), (b"transfer-encoding", b"chunked")]),
    ],
)
async def test_ht04_a_head_that_its_version_does_not_know_is_400(api: Api, version: str, headers: Headers) -> None:
    has_body = any(name == b"transfer-encoding" for name, _ in headers)

    sent = await ask(api, headers, [a_chunk(1, more=False)] * has_body, http_version=version)

    assert closed_with(sent, 400)


async def test_http_1_0_needs_no_host(api: Api) -> None:
    sent = await ask(api, [], http_version="1.0", method="GET", path="/health/live", raw_path=b"/health/live")

    assert sent[0]["status"] == 200


@pytest.mark.parametrize("headers", [[(b"x%d" % number, b"") for number in range(100)], [(b"x", b"y" * 16400)]])
async def test_ht02_more_than_100_headers_or_16_kib_of_them_are_431(api: Api, headers: Headers) -> None:
    sent = await ask(api, [(b"host", b"x"), *headers])

    assert closed_with(sent, 431)
    assert b'"code":"request_header_fields_too_large"' in sent[1]["body"]


@pytest.mark.parametrize(
    "target", [{"raw_path": b"/" + b"a" * 16400}, {"raw_path": None, "query_string": b"a=" + b"b" * 16400}]
)
async def test_ht02_a_target_of_more_than_16_kib_is_431(api: Api, target: dict[str, Any]) -> None:
    assert closed_with(await ask(api, [(b"host", b"x")], **target), 431)


async def test_ht02_a_hundred_headers_and_almost_16_kib_of_them_are_read(api: Api) -> None:
    headers = [(b"host", b"portunus"), *((b"x%02d" % number, b"y" * 150) for number in range(99))]

    sent = await ask(api, headers, method="GET", path="/health/live", raw_path=b"/health/live")

    assert sent[0]["status"] == 200


async def test_ht03_a_body_that_does_not_come_is_408_and_the_connection_is_closed() -> None:
    async def never_asked(*_: Any) -> None:
        pytest.fail("it was asked without a body")

    sent, chunks = [], [a_chunk(10, more=True), a_chunk(10, more=True)]

    async def receive() -> dict[str, Any]:
        if not chunks:
            await asyncio.Event().wait()
        return chunks.pop()

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and message["more_body"]:
            chunks.append(a_chunk(0, more=False))  # else the refusal waits for the rest

    limits = RequestLimits(never_asked, patience=timedelta(milliseconds=1))
    headers = [(b"host", b"x"), (b"content-length", b"100")]
    await limits({"type": "http", "http_version": "1.1", "path": "/", "query_string": b"", "headers": headers}, receive, send)

    assert closed_with(sent, 408)
    assert b'"code":"request_timeout"' in sent[1]["body"]


@asynccontextmanager
async def all_places_taken(api: Api, places: int) -> AsyncIterator[None]:
    """By requests whose bodies are on their way."""
    going = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        await going.wait()
        yield b"{}"

    taken = [asyncio.create_task(api.http.post("/refresh", content=body(), headers=JSON)) for _ in range(places)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        yield
    finally:
        going.set()
        for answer in await asyncio.gather(*taken):
            assert answer.status_code == 422


async def refused_unread(app: ASGIApp, path: str) -> list[dict[str, Any]]:
    """What is sent to a POST. Its body may be read only after a 503 has begun."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        assert sent[0]["status"] == 503
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return sent


async def test_beyond_so_many_requests_at_once_one_more_is_503_before_its_body_is_read() -> None:
    async with an_api(max_requests=3) as api:
        async with all_places_taken(api, 3):
            sent = await refused_unread(api.app, "/refresh")
            more = await api.refresh(FORGED)
            get = await api.http.get("/users/me")
            live = await api.http.get("/health/live")
        later = await api.http.get("/users/me")

    assert sent[0]["status"] == 503
    for refused in (more, get):
        require_problem(refused, 503, "at_capacity")
        assert refused.headers["retry-after"] == "1"
    assert live.status_code == 200
    assert later.status_code == 401


async def test_pw11_a_sign_up_whose_password_could_not_be_hashed_is_503_before_its_body_is_read() -> None:
    hasher = FakePasswordHasher()
    hasher.full = {Line.SIGN_UPS}
    app = create_app({AdmitRequest: AdmitRequest(throttle=Unthrottled(), hasher=hasher)})
    sent = await refused_unread(app, "/signup")

    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert b'"code":"overloaded"' in sent[1]["body"]


async def test_pw11_a_log_in_whose_password_could_not_be_hashed_is_503_and_a_refresh_beside_it_is_not() -> None:
    async def refresh(**_: Any) -> None:
        raise InvalidRefreshToken

    hasher = FakePasswordHasher()
    hasher.full = {Line.LOG_INS}
    app = create_app({AdmitRequest: AdmitRequest(throttle=Unthrottled(), hasher=hasher), Login: None, RefreshAccess: refresh})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://portunus") as http:
        refused = await http.post("/token", data={"username": "johndoe", "password": "of no account"})
        refreshed = await http.post("/token", data={"grant_type": "refresh_token", "refresh_token": FORGED})

    require_problem(refused, 503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert refreshed.json()["error"] == "invalid_grant"


async def test_who_is_refused_or_goes_away_takes_no_place() -> None:
    async with an_api(max_requests=1) as api:
        for _ in range(3):
            chunks = [a_chunk(10, more=True), {"type": "http.disconnect"}]
            assert await ask(api, [(b"host", b"x"), (b"content-length", b"100")], chunks) == []
            assert (await api.http.get("/users/me")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        [("Content-Type", "application/json"), ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")],
        [("Content-Type", "application/json"), ("Content-Encoding", "")],
        [("Content-Type", "application/json"), ("Content-Type", "text/plain")],
        [("Content-Type", "text/plain"), ("Content-Type", "application/json")],
        [("Content-Type", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "application/json, application/json")],
        [("Content-Type", "application/problem+json")],
        [("Content-Type", "application /json")],
    ],
)
async def test_ht07_a_body_whose_form_is_uncertain_is_415(api: Api, headers: list[tuple[str, str]]) -> None:
    sign_up = await api.http.post("/signup", json=SIGN_UP, headers=headers)
    refresh = await api.http.post("/refresh", json={"refresh_token": FORGED}, headers=headers)

    require_problem(sign_up, 415, "unsupported_media_type")
    require_problem(refresh, 415, "unsupported_media_type")
