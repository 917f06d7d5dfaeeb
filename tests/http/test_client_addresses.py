import httpx2
import pytest

from tests.http.api import SIGN_UP, Api

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
