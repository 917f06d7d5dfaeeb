"""What is sent over one connection: sound requests, spoilt in ways that have hurt servers, and cut into pieces."""

import json
import random  # noqa: TID251 - to be made again by its number
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from tests.examples import PASSWORD
from tests.http.api import FORGED, SIGN_UP

Chance = random.Random


class Ending(StrEnum):
    """What the client does when it has said all."""

    WAIT = "wait"
    HALF_CLOSE = "half close"
    HANG_UP = "hang up"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Conversation:
    """`pieces` are sent one after the other, with a moment in between; the same number makes the same one."""

    number: int
    pieces: Sequence[bytes]
    ending: Ending

    @classmethod
    def make(cls, number: int) -> "Conversation":
        chance = random.Random(number)  # noqa: S311
        sent = b"".join(_request(chance) for _ in range(chance.choice([1, 1, 1, 2, 3, 20])))
        if chance.random() < 0.3:
            sent = _spoil_bytes(sent, chance)
        cuts = sorted(chance.randrange(len(sent) + 1) for _ in range(chance.choice([0, 0, 1, 2, 7])))
        pieces = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
        return cls(number, pieces, chance.choice(list(Ending)))


@dataclass(slots=True)
class _Request:
    line: bytes
    headers: list[bytes]
    body: bytes

    def written(self) -> bytes:
        return b"\r\n".join([self.line, *self.headers, b"", self.body])


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}
_BEARER = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}
_SOUND: Sequence[tuple[str, str, Mapping[str, str], str]] = (
    ("GET", "/health/live", {}, ""),
    ("GET", "/health/ready", {}, ""),
    ("GET", "/.well-known/jwks.json", {}, ""),
    ("GET", "/.well-known/revocations?after=x", {}, ""),
    ("GET", "/docs", {}, ""),
    ("GET", "/openapi.json", {}, ""),
    ("GET", "/users/me", _BEARER, ""),
    ("GET", "/users/me/sessions?limit=3", _BEARER, ""),
    ("DELETE", "/users/me/sessions/0", _BEARER, ""),
    ("POST", "/signup", _JSON, json.dumps(SIGN_UP)),
    ("POST", "/token", _FORM, urlencode({"username": "johndoe", "password": PASSWORD})),
    ("POST", "/token", _FORM, urlencode({"grant_type": "refresh_token", "refresh_token": FORGED})),
    ("POST", "/refresh", _JSON, json.dumps({"refresh_token": FORGED})),
    ("POST", "/logout", _JSON, json.dumps({"refresh_token": FORGED})),
    ("POST", "/users/me/password", {**_JSON, **_BEARER}, json.dumps({"current_password": "a", "password": PASSWORD})),
    ("POST", "/introspect", _FORM, "token=x&client_id=a&client_secret=b"),
    ("POST", "/revoke", {**_FORM, "Authorization": "Basic YTpi"}, "token=x"),
)


def _request(chance: Chance) -> bytes:
    method, target, headers, body = chance.choice(_SOUND)
    lines = [f"{name}: {value}".encode() for name, value in {"Host": "x", **headers}.items()]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    request = _Request(f"{method} {target} HTTP/1.1".encode(), lines, body.encode())
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        chance.choice(_SPOILERS)(request, chance)
    return request.written()


_LINES = (
    b"", b" ", b"GET", b"GET  /health/live HTTP/1.1", b"GET /health/live", b"GET /health/live HTTP/1.1 HTTP/1.1",
    b"GET /health/live HTTP/9.9", b"GET /health/live HTTP/1.", b"GET /health/live http/1.1", b"get /health/live HTTP/1.1",
    b"PRI * HTTP/2.0", b"OPTIONS * HTTP/1.1", b"CONNECT x:443 HTTP/1.1", b"TRACE / HTTP/1.1", b"HEAD /health/live HTTP/1.1",
    b"GET http://evil/users/me HTTP/1.1", b"GET //token HTTP/1.1", b"GET /%74oken HTTP/1.1", b"GET /%00 HTTP/1.1",
    b"GET /%ff%fe HTTP/1.1", b"GET /% HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /a\x00b HTTP/1.1", b"GET ? HTTP/1.1",
    b"GET /../../etc/passwd HTTP/1.1", b"GET /docs/../users/me HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 40,
)  # fmt: skip
_HEADERS = (
    b"Host: y", b"Host:", b"X y: z", b": z", b"X", b"X:\x00", b"X: a\rb", b"X: a\nY: b", b" folded", b"X: \xff\xfe",
    b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade\r\nUpgrade: h2c", b"Expect: 100-continue",
    b"Expect: nonsense", b"Content-Encoding: gzip", b"Content-Type: text/plain", b"Content-Type: a/b; charset=\xff",
    b"Content-Type: multipart/form-data; boundary=x", b"Authorization: Bearer", b"Authorization: Basic ====",
    b"Authorization: Bearer " + b"A" * 9000, b"Authorization: Basic /////w==", b"Cookie: __Host-device=\xff; =; ;;",
    b"Device-Token: prd_" + b"A" * 108, b"X-Forwarded-For: 1.2.3.4, ::1, x", b"Forwarded: for=\"", b"X-Request-ID: a\tb",
    b"Range: bytes=0-0,-1,99999999999-", b"If-None-Match: \"", b"Accept-Encoding: gzip;q=x", b"Origin: null",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: \x0bchunked", b"TE: trailers",
    b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: 0x10", b"Content-Length: 1e3",
    b"Content-Length: 99999999999999999999", b"Content-Length: 16384", b"Content-Length: 16385", b"Content-Length: 7",
)  # fmt: skip
_CHUNKS = (
    b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n", b"5\r\nhel", b"zz\r\nhello\r\n0\r\n\r\n", b"-1\r\n\r\n",
    b"fffffffffffffffff\r\nx", b"5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"5\nhello\n0\n\n",
    b"00000005\r\nhello\r\n0\r\n\r\n", b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n",
    b"4000\r\n" + b"x" * 16384 + b"\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
    b"0\r\n" + b"T: x\r\n" * 500 + b"\r\n", b"5;" + b"e" * 40_000 + b"\r\nhello\r\n0\r\n\r\n",
)  # fmt: skip


def _spoil_line(request: _Request, chance: Chance) -> None:
    request.line = chance.choice([*_LINES, request.line + b"x" * chance.choice([1, 9000, 70_000])])


def _spoil_headers(request: _Request, chance: Chance) -> None:
    request.headers.insert(chance.randrange(len(request.headers) + 1), chance.choice(_HEADERS))


def _lose_header(request: _Request, chance: Chance) -> None:
    if request.headers:
        request.headers.pop(chance.randrange(len(request.headers)))


def _add_many_headers(request: _Request, chance: Chance) -> None:
    request.headers += [b"X%d: y" % number for number in range(chance.choice([50, 99, 101, 300, 5000]))]


def _add_a_large_header(request: _Request, chance: Chance) -> None:
    request.headers.append(b"X: " + b"y" * chance.choice([8000, 16_000, 17_000, 100_000]))


def _chunk(request: _Request, chance: Chance) -> None:
    request.headers = [one for one in request.headers if not one.startswith(b"Content-Length")] + [
        b"Transfer-Encoding: chunked"
    ]
    request.body = chance.choice(_CHUNKS)


def _spoil_body(request: _Request, chance: Chance) -> None:
    request.body = chance.choice(
        [b"", b"{", b"[" * 5000, b'{"a":1e999}', b'{"a":"\\ud800"}', b"\xff\xfe\x00", b"a=%zz&a=b", b"&" * 9000, b"x" * 20_000]
    )
    if chance.random() < 0.7:
        request.headers = [one for one in request.headers if not one.startswith(b"Content-Length")]
        request.headers.append(b"Content-Length: %d" % len(request.body))


_SPOILERS: Sequence[Callable[[_Request, Chance], None]] = (
    _spoil_line, _spoil_headers, _spoil_headers, _lose_header, _add_many_headers, _add_a_large_header, _chunk, _chunk,
    _spoil_body, _spoil_body,
)  # fmt: skip


def _spoil_bytes(sent: bytes, chance: Chance) -> bytes:
    """Anywhere: a byte changed, a span lost, repeated or cut off."""
    spoilt = bytearray(sent)
    for _ in range(chance.choice([1, 1, 2, 5])):
        start = chance.randrange(len(spoilt) + 1)
        end = min(start + chance.choice([1, 2, 30]), len(spoilt))
        match chance.randrange(4):
            case 0:
                spoilt[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
            case 1:
                del spoilt[start:end]
            case 2:
                spoilt[start:start] = spoilt[start:end]
            case _:
                del spoilt[start:]
    return bytes(spoilt)
