"""Asking a service that knows of leaked passwords as it is asked for real: over TLS."""

import asyncio
import ssl
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.security.breach_service import BreachService
from adapters.security.breaches import PatientBreaches
from application.ports.breaches import Breach
from domain.events import BreachesAway
from domain.password import PlainPassword
from tests.certificates import Authority
from tests.examples import PASSWORD
from tests.fakes import RecordedEvents
from tests.http.api import an_api, require_problem
from tests.leaks import Run
from tests.ranges import digest_of, serving_ranges

LEAKED = "leaked once from elsewhere"
_ENOUGH = 5.0  # seconds, where a half is the bound: the machine is shared


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """As an operator's own authority is trusted: by the variable that OpenSSL reads."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


async def test_pw07_over_tls_a_service_is_told_five_digits_and_its_padding_is_no_leak(trusted: Authority) -> None:
    async with serving_ranges(LEAKED, padding=[PASSWORD], tls=trusted.server()) as ranges:
        source = BreachService(ranges.url)

        assert ranges.url.startswith("https://")
        assert await source.holds(digest_of(LEAKED))
        assert not await source.holds(digest_of(PASSWORD))

    for password, head in zip((LEAKED, PASSWORD), ranges.asked, strict=True):
        assert head.startswith(f"GET /range/{digest_of(password)[:5]} HTTP/1.1\r\n")
        assert "\r\nAdd-Padding: true\r\n" in head


@pytest.mark.parametrize(
    "made",
    [lambda _, other: other.server(), lambda own, _: own.server("127.0.0.2"), lambda own, _: own.server(expired=True)],
    ids=["of an authority that nobody knows", "of another server", "expired"],
)
async def test_pw07_a_service_whose_certificate_is_not_good_is_told_nothing_and_passwords_pass(
    trusted: Authority, tmp_path: Path, made: Callable[[Authority, Authority], ssl.SSLContext]
) -> None:
    (tmp_path / "other").mkdir()
    events = RecordedEvents()
    async with serving_ranges(LEAKED, tls=made(trusted, Authority(tmp_path / "other"))) as ranges:
        breaches = PatientBreaches(BreachService(ranges.url), events, patience=timedelta(seconds=_ENOUGH))

        answers = [await breaches.look_up(PlainPassword.parse(LEAKED)) for _ in range(2)]

    assert answers == [Breach.NOT_ASKED] * 2
    assert ranges.asked == []
    assert events.all == [BreachesAway("SSLCertVerificationError", 0)]


async def test_pw07_a_service_that_drips_over_tls_is_given_up_in_time(trusted: Authority) -> None:
    events = RecordedEvents()
    async with serving_ranges(LEAKED, stalls=True, tls=trusted.server()) as ranges:
        breaches = PatientBreaches(BreachService(ranges.url), events)
        began = time.monotonic()

        answer = await breaches.look_up(PlainPassword.parse(LEAKED))

        took = time.monotonic() - began
    assert (answer, events.all) == (Breach.NOT_ASKED, [BreachesAway("TimeoutError", 0)])
    assert took < _ENOUGH


async def test_pw07_a_service_that_never_shakes_hands_is_given_up_in_time() -> None:
    events, over = RecordedEvents(), asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/range/"
    began = time.monotonic()
    answer = await PatientBreaches(BreachService(url), events).look_up(PlainPassword.parse(LEAKED))
    took = time.monotonic() - began
    over.set()
    server.close()

    assert (answer, events.all) == (Breach.NOT_ASKED, [BreachesAway("TimeoutError", 0)])
    assert took < _ENOUGH


async def test_pw07_sign_up_asks_over_tls_and_passes_with_a_line_in_the_log_where_the_certificate_is_not_good(
    trusted: Authority, tmp_path: Path, run: Run
) -> None:
    async with serving_ranges(LEAKED, tls=trusted.server()) as ranges, an_api(breached_passwords_url=ranges.url) as api:
        require_problem(await api.sign_up(password=LEAKED), 422, "password_breached")
        assert (await api.sign_up()).status_code == 201
    (tmp_path / "other").mkdir()
    stranger, before = Authority(tmp_path / "other").server(), run.log.stat().st_size
    async with serving_ranges(LEAKED, tls=stranger) as ranges, an_api(breached_passwords_url=ranges.url) as api:
        assert (await api.sign_up(password=LEAKED)).status_code == 201

    with run.log.open(encoding="utf-8") as log:
        log.seek(before)
        [told] = [line for line in log if '"breaches_away"' in line]
    assert '"reason": "SSLCertVerificationError"' in told
