"""What a line of the log may hold, and that the search for secrets at the end of a run finds them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError

from adapters.sql.engines import open_engine
from domain.password import PlainPassword
from entrypoints.logs import formatter
from tests.examples import PASSWORD
from tests.http.api import an_api
from tests.leaks import Run, Secrets

HOSTILE = [
    "a\r\nERROR forged",
    'a\n{"event": "forged"}',
    "\x1b[2J\x1b[1;1Hforged",
    "\x9b31mforged",
    "a\x85forged",
    "a\u2028forged",
    "a\u202eforged",
    "\x08\x08\x08forged",
    "a\x00forged",
    "a\x0bforged\x0cforged",
    '", "event": "forged',
    "\ud800forged",
]

log = structlog.get_logger("portunus.test")


@contextmanager
def logged(*, on_a_terminal: bool = False) -> Iterator[io.StringIO]:
    """What is logged meanwhile, beside where it goes anyway."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(on_a_terminal=on_a_terminal))
    logging.getLogger().addHandler(handler)
    try:
        yield stream
    finally:
        logging.getLogger().removeHandler(handler)


def without_colours(text: str) -> str:
    for code in ("0", "1", "2", "31", "32", "33", "34", "35", "36"):
        text = text.replace(f"\x1b[{code}m", "")
    return text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_ks07_whatever_is_logged_is_one_line_of_json_in_ascii(text: str) -> None:
    with logged() as stream:
        log.warning(text, path=text, member={text: [text]})
        logging.getLogger("uvicorn.error").warning("%s", text)

    first, second, rest = stream.getvalue().split("\n")
    assert rest == ""
    assert stream.getvalue().isascii()
    assert json.loads(first)["path"] == json.loads(first)["event"] == json.loads(second)["event"] == text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_ks07_whatever_is_logged_is_one_printable_line_on_a_terminal(text: str) -> None:
    with logged(on_a_terminal=True) as stream:
        log.warning(text, path=text, member=[text], **{text: 1})
        logging.getLogger("uvicorn.error").warning("%s", text)

    first, second, rest = without_colours(stream.getvalue()).split("\n")
    assert rest == ""
    assert first.isprintable()
    assert second.isprintable()


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_ks07_a_traceback_begins_no_line_that_could_be_taken_for_another(text: str) -> None:
    with logged(on_a_terminal=True) as stream:
        try:
            exec(compile("raise ValueError", text.replace("\x00", "").replace("\ud800", ""), "exec"))  # noqa: S102 - a file of that name
        except ValueError:
            log.exception("failed")

    first, *more = without_colours(stream.getvalue()).rstrip("\n").split("\n")
    assert first.isprintable()
    assert more
    assert all(line.startswith("    ") and line.isprintable() for line in more)


def _quoting_bugs() -> list[Callable[[str], Any]]:
    return [
        int,
        lambda secret: {"": 1}[secret],
        lambda secret: TypeAdapter(int).validate_python(secret),
        lambda secret: PlainPassword.parse(secret) + 1,  # type: ignore[operator]
        lambda secret: (_ for _ in ()).throw(RuntimeError(secret)),
        lambda secret: (_ for _ in ()).throw(ExceptionGroup(secret, [ValueError(secret), KeyError(secret)])),
    ]


@pytest.mark.parametrize("on_a_terminal", [True, False], ids=["terminal", "json"])
@pytest.mark.parametrize("bug", _quoting_bugs())
def test_ks06_no_traceback_tells_what_an_error_was_given(bug: Callable[[str], Any], on_a_terminal: bool) -> None:
    secret = PASSWORD

    with logged(on_a_terminal=on_a_terminal) as stream:
        try:
            try:
                bug(secret)
            except Exception as error:
                raise LookupError(secret) from error
        except LookupError:
            log.exception("failed")

    assert "LookupError" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()
    assert PASSWORD not in stream.getvalue()


async def test_ks06_a_bug_in_a_route_that_holds_the_password_does_not_tell_it() -> None:
    async def broken(*, password: PlainPassword, **_: Any) -> None:
        as_text = password.text
        raise RuntimeError(f"could not store {as_text}")

    async with an_api() as api:
        api.use_cases[next(kind for kind in api.use_cases if kind.__name__ == "RegisterUser")] = broken
        with logged() as stream:
            answer = await api.sign_up()

    [line] = [json.loads(line) for line in stream.getvalue().splitlines() if "request_failed" in line]
    assert answer.status_code == 500
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert "in broken" in line["exception"]
    assert PASSWORD not in stream.getvalue()


async def test_ks06_an_error_of_the_database_does_not_tell_its_parameters(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/leaks.db", pool_size=1)
    told = ""
    with logged() as stream:
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql("SELECT * FROM nowhere WHERE password = ?", (PASSWORD,))
        except SQLAlchemyError as error:
            told = str(error)
            log.exception("failed")
    await engine.dispose()

    assert "OperationalError" in stream.getvalue()
    assert PASSWORD not in stream.getvalue() + told


async def test_a_bug_in_the_middle_of_an_answer_is_logged_with_its_request_and_travels_on_to_close() -> None:
    async with an_api() as api:

        @api.app.get("/broken")
        async def broken() -> Any:
            async def body() -> Any:
                yield b"begun"
                raise RuntimeError(PASSWORD)

            from starlette.responses import StreamingResponse  # noqa: PLC0415

            return StreamingResponse(body())

        with logged() as stream, pytest.raises((RuntimeError, ExceptionGroup)):
            await api.http.get("/broken", headers={"X-Request-ID": "in-the-middle"})

    [line] = [json.loads(line) for line in stream.getvalue().splitlines() if "request_failed" in line]
    assert line["request_id"] == "in-the-middle"
    assert PASSWORD not in stream.getvalue()


# The search itself


async def exchange(**members: str) -> Secrets:
    secrets = Secrets()
    request = httpx2.Request(
        "POST", "http://portunus/token", json=members, headers={"Authorization": "Bearer bearer.of.a-token"}
    )
    secrets.learn(request, httpx2.Response(200, json={"access_token": "head.body.signature-of-it", "detail": "harmless words"}))
    return secrets


@pytest.mark.parametrize(
    "line",
    [
        "the password is a secret\u2028of mine, indeed",
        '{"event": "the password is a secret\\u2028of mine, indeed"}',
        "/refresh?refresh_token=a%20secret%E2%80%A8of%20mine%2C%20indeed",
        "Authorization: Bearer bearer.of.a-token",
        "signature-of-it alone",
        f"hashed {PASSWORD}",
    ],
)
async def test_ks06_the_search_finds_a_planted_secret(line: str) -> None:
    secrets = await exchange(password="a secret\u2028of mine, indeed")

    assert secrets.found_in("harmless\n" + line + "\nharmless") != []
    assert secrets.found_in("harmless words, and a secret of others") == []


async def test_a_word_of_the_code_that_was_sent_is_no_secret_of_a_log_that_is_made_of_such() -> None:
    secrets = await exchange(password="request_header_fields_too_large")

    assert secrets.found_in("request_header_fields_too_large") == []


async def test_ks06_the_search_knows_what_went_through_the_clients_of_this_run(run: Run) -> None:
    before = len(run.secrets)
    async with an_api() as api:
        tokens = await api.log_in()

        log.info("answered", told=tokens["refresh_token"][:9])

    assert len(run.secrets) >= before + 2
    assert run.secrets.found_in(tokens["access_token"]) != []
    assert run.secrets.found_in(tokens["refresh_token"]) != []
    assert tokens["refresh_token"][:9] in run.log.read_text()
