"""What an ill-meant request costs the process, which answers nobody else meanwhile: about as much as any other."""

import json
import time

import pytest
from starlette.requests import HTTPConnection

from entrypoints.http.origin import origin_of, without_foreign_cookies
from tests.http.api import SIGN_UP, Api
from tests.http.operations import FORM, JSON, ask

_MOST_SECONDS = 0.05  # a well-meant one takes 1 ms alone; the machine is shared
_LONG = 15_500  # with the rest of the head just below 16 KiB
_FORM, _JSON = (b"content-type", FORM.encode()), (b"content-type", JSON.encode())
_LOG_IN = b"username=nobody&password=wrong"
Headers = list[tuple[bytes, bytes]]


def _filled(unit: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + unit * (_LONG // len(unit)) + after


@pytest.mark.parametrize(
    ("method", "target", "headers", "body"),
    [
        ("POST", b"/token", [_FORM, (b"cookie", _filled(b'\\"', before=b'a="', after=b'"'))], _LOG_IN),
        ("POST", b"/token", [_FORM, (b"cookie", _filled(b"\\101", before=b'__Host-device="', after=b'"'))], _LOG_IN),
        ("POST", b"/token", [_FORM, (b"cookie", _filled(b"a=b;"))], _LOG_IN),
        ("POST", b"/token", [_FORM, (b"cookie", _filled(b";"))], _LOG_IN),
        ("POST", b"/token", [_FORM, (b"user-agent", _filled(b"Mozilla/5.0 ("))], _LOG_IN),
        ("POST", b"/token", [_FORM], _filled(b"a=b&")),
        ("POST", b"/token", [_FORM], _filled(b"%CC%81", before=b"username=a&password=")),
        ("POST", b"/token", [(b"content-type", FORM.encode() + _filled(b";a=b"))], _LOG_IN),
        ("POST", b"/introspect", [_FORM, (b"authorization", _filled(b"QUFB", before=b"Basic "))], b"token=x"),
        ("POST", b"/signup", [_JSON], _filled(b"[")),
        ("POST", b"/signup", [_JSON], _filled(b'{"a":')),
        ("POST", b"/signup", [_JSON], _filled(b"9", before=b'{"username":', after=b"}")),
        ("POST", b"/signup", [_JSON], json.dumps({str(number): 1 for number in range(1500)}).encode()),
        ("POST", b"/signup", [_JSON], json.dumps({**SIGN_UP, "password": "ab" * 128}).encode()),
        ("POST", b"/signup", [_JSON], json.dumps({**SIGN_UP, "password": "\u0301" * 250}).encode()),
        ("GET", b"/users/me", [(b"authorization", _filled(b"a.", before=b"Bearer "))], None),
        ("GET", b"/users/me", [(b"authorization", _filled(b"A", before=b"Bearer a.b."))], None),
        ("GET", _filled(b"a&", before=b"/.well-known/revocations?"), [], None),
        ("GET", _filled(b"%41", before=b"/.well-known/revocations?after="), [], None),
        ("GET", _filled(b"a/", before=b"/"), [], None),
    ],
)
async def test_ht02_no_head_and_no_body_keeps_the_process_from_others(
    api: Api, method: str, target: bytes, headers: Headers, body: bytes | None
) -> None:
    took, statuses = [], []
    for _ in range(4):
        began = time.thread_time()
        answer = await ask(api.app, method, target, headers, body)
        took.append(time.thread_time() - began)
        statuses.append(answer.status)

    assert max(statuses) < 500
    assert min(took) < _MOST_SECONDS


def test_a_device_is_known_by_its_cookie_whatever_others_there_are() -> None:
    headers = [
        (b"cookie", b'a="b\\"; x__Host-device=no; __Host-device="no"'),
        (b"host", b"portunus"),
        (b"cookie", b"b=c;\t__Host-device=yes_-1 ; __Host-device=no"),
    ]

    kept = without_foreign_cookies(headers)

    assert kept == [(b"host", b"portunus"), (b"cookie", b"__Host-device=yes_-1")]
    assert without_foreign_cookies(headers[:2]) == [(b"host", b"portunus")]
    assert origin_of(HTTPConnection({"type": "http", "headers": headers})).device_token == "yes_-1"
