"""HTTP as no client library would send it, byte by byte, to a server that runs."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.server import Server, serving

BODY = b"username=a&password=b"
FORM = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"15\r\n" + BODY + b"\r\n0\r\n\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
AGAIN = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"  # smuggled behind a body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving("memory://", tmp_path_factory.mktemp("raw")) as started:
        yield started


def ask(server: Server, sent: bytes, *, more: bytes = b"", times: int = 0) -> bytes:
    """Everything that is answered until the server closes; an assertion if it does not."""
    place = urlsplit(server.address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=15) as connection:
        connection.sendall(sent)
        try:
            for _ in range(times):
                connection.sendall(more)
        except OSError:
            pass  # closed while it was still being sent to
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass  # there was more to read than the server would
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        FORM + b"Content-Length: 21\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Transfer-Encoding: chunked\r\nContent-Length: 21\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Content-Length: 21\r\nContent-Length: 21\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: 21\r\nContent-Length: 5\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: 21, 21\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: -1\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: +21\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: 0x15\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: \r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY + AGAIN,
        FORM + b"Content-Length : 21\r\n\r\n" + BODY + AGAIN,
        FORM + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Transfer-Encoding: identity\r\n\r\n" + BODY + AGAIN,
        FORM + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED + AGAIN,
        FORM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY + b"\r\n0\r\n\r\n" + AGAIN,
        FORM + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + BODY + AGAIN,
        FORM + b"Transfer-Encoding: chunked\r\n\r\n-15\r\n" + BODY + AGAIN,
        b"GET /health/live HTTP/1.1\r\n\r\n" + AGAIN,
        GET + b"Host: y\r\n\r\n" + AGAIN,
        GET + b"X: a\x00b\r\n\r\n" + AGAIN,
        GET + b"X y: a\r\n\r\n" + AGAIN,
        GET + b": a\r\n\r\n" + AGAIN,
        GET + b"X: a\r\n b\r\n\r\n" + AGAIN,
        GET + b"X: a\rY: b\r\n\r\n" + AGAIN,
        b"GET /health/live HTTP/1.1\nHost: x\n\n" + AGAIN,
        b"GET /health/live HTTP/3.0\r\nHost: x\r\n\r\n" + AGAIN,
        b"GET /health/live\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n" + AGAIN,
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n" + AGAIN,
        b"FROB /token HTTP/1.1\r\nHost: x\r\n\r\n" + AGAIN,
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n" + AGAIN,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
        b"\r\n\r\nnonsense\r\n\r\n",
    ],
)
def test_ht04_what_has_more_than_one_reading_is_400_and_the_connection_is_closed(server: Server, sent: bytes) -> None:
    answer = ask(server, sent)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()
    assert b'"code":"malformed_request"' in answer
    assert b"x-content-type-options: nosniff" in answer


def test_ht04_what_comes_behind_a_body_is_no_header(server: Server) -> None:
    behind = b"0\r\nAuthorization: Basic ZTpmCg==\r\nHost: y\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"
    close = b"Connection: close\r\nTransfer-Encoding: chunked\r\n"

    before = ask(server, FORM + b"Authorization: Basic ZTpmCg==\r\n" + close + b"\r\n" + CHUNKED)
    after = ask(server, FORM + close + b"\r\n" + CHUNKED.replace(b"0\r\n\r\n", behind))

    assert b'"invalid_client"' in before
    assert b'"invalid_grant"' in after


@pytest.mark.parametrize(
    ("head", "more", "times"),
    [
        (b"Content-Length: 20000\r\n\r\n", b"x" * 1000, 20),
        (b"Content-Length: 1000000000\r\n\r\n", b"", 0),
        (b"Content-Length: 1000000000\r\n\r\n", b"x" * 100_000, 50),
        (b"Expect: 100-continue\r\nContent-Length: 20000\r\n\r\n", b"", 0),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n", 20),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n", 50),
    ],
)
def test_ht01_a_body_over_16_kib_is_413_and_the_connection_is_closed(
    server: Server, head: bytes, more: bytes, times: int
) -> None:
    answer = ask(server, FORM + head, more=more, times=times)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "headers", [b"".join(b"X%d: y\r\n" % number for number in range(150)), b"X: " + b"y" * 40_000 + b"\r\n"]
)
def test_ht02_a_head_that_is_too_large_is_431_and_the_connection_is_closed(server: Server, headers: bytes) -> None:
    answer = ask(server, GET + headers + b"\r\n" + AGAIN)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("sent", [GET + b"X: ", b"GET /", b"GET /health/live HTTP/1.1\r\nX"])
def test_ht02_a_head_without_an_end_is_431_and_the_connection_is_closed(server: Server, sent: bytes) -> None:
    answer = ask(server, sent, more=b"y" * 4096, times=2000)

    assert answer.startswith(b"HTTP/1.1 431 ") or not answer  # what still comes can take it away


@pytest.mark.parametrize("behind", [b"nonsense\r\n\r\n", GET + b"X: " + b"y" * 40_000])
def test_ht04_what_comes_before_nonsense_is_answered_first_and_nothing_after_it(server: Server, behind: bytes) -> None:
    answer = ask(server, FORM + b"Content-Length: 21\r\n\r\n" + BODY + behind)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_who_hangs_up_with_answers_still_to_come_is_no_bug(server: Server) -> None:
    place = urlsplit(server.address)
    for _ in range(20):
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=15) as connection:
            connection.sendall((FORM + b"Content-Length: 21\r\n\r\n" + BODY) * 5)
    ask(server, GET + b"Connection: close\r\n\r\n")

    assert "request_failed" not in server.log_path.read_text()


def test_ht02_many_requests_in_one_go_are_no_large_head(server: Server) -> None:
    answer = ask(server, (GET + b"\r\n") * 2000 + GET + b"Connection: close\r\n\r\n")

    assert answer.count(b"HTTP/1.1 200 ") == 2001


def test_a_client_that_expects_to_be_told_so_is_told_to_go_on(server: Server) -> None:
    answer = ask(server, FORM + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 21\r\n\r\n", more=BODY, times=1)

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 ")


def test_ht10_the_server_says_nothing_of_itself(server: Server) -> None:
    for sent in (GET + b"Connection: close\r\n\r\n", b"nonsense\r\n\r\n"):
        answer = ask(server, sent).lower()

        assert b"\r\nserver:" not in answer
        assert b"uvicorn" not in answer


def test_ht14_there_is_nothing_to_upgrade_to(server: Server) -> None:
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    answer = ask(server, GET + upgrade + b"Sec-WebSocket-Version: 13\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"upgrade:" not in answer.lower()
