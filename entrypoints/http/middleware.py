"""What holds for every request: an id, headers on the answer, bounds on what comes in, and one answer to every bug."""

import asyncio
import logging
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.origin import without_foreign_cookies
from entrypoints.http.problems import (
    HEAD_TOO_LARGE,
    MALFORMED,
    NOT_FOUND,
    TOO_LARGE,
    TOO_SLOW,
    Problem,
    internal_error,
    respond,
)

MOST_BYTES = 16 * 1024
_MOST_HEAD_BYTES = 16 * 1024
_MOST_HEADERS = 100
_MOST_DRAINED = 256 * 1024  # so that a client which sends before it reads can read the refusal
_SECONDS_TO_DRAIN = 1
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_LENGTH = re.compile(rb"[0-9]{1,18}")

_log = logging.getLogger("portunus.http")

ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
NOT_KEPT = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))  # RFC 6749 5.1
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
_BY_ORIGIN = (b"vary", b"Origin")


@final
class RequestContext:
    """Takes `X-Request-ID` or makes one, for the answer and for every line of the log; and adds the headers of every answer.

    A route's own header stands: what does not say how long it may be kept is not kept.
    """

    def __init__(self, app: ASGIApp, *, https: bool = False, cors: bool = False) -> None:
        self._app = app
        self._always = (*ALWAYS, *((_HTTPS_ONLY,) if https else ()), *((_BY_ORIGIN,) if cors else ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given_id(scope["headers"]) or secrets.token_hex(16)
        in_answer = (b"x-request-id", request_id.encode())
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                headers.append(in_answer)
                headers.extend(header for header in self._always if header[0] not in names)
                if b"cache-control" not in names:
                    headers.extend(NOT_KEPT)
                message["headers"] = headers
            await send(message)

        scope.setdefault("state", {})["request_id"] = request_id  # for the audit trail
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._app(scope, receive, send_with_headers)
        if _log.isEnabledFor(logging.DEBUG):
            structlog.get_logger(_log.name).debug("answered", method=scope["method"], path=scope["path"], status=status)
        # Not after an error: what the server then says of it is of this request too.
        structlog.contextvars.unbind_contextvars("request_id")


@final
class Bugs:
    """A bug ends here: logged once, and answered with 500; or with a closed connection, once the answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log: Any = structlog.get_logger("portunus.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http":
                raise
            self._log.exception("request_failed", method=scope["method"], path=scope["path"])
            if started:
                raise
            await respond(internal_error())(scope, receive, send)


@final
class RequestLimits:
    """Lets through what has one reading and is small: a sound head, and a body of 16 KiB at most, read as a whole.

    What does not, or takes longer than `patience` to come, is refused, and the connection closed: where the next request begins
    is then not certain.
    """

    def __init__(self, app: ASGIApp, *, patience: timedelta) -> None:
        self._app = app
        self._patience = patience.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused, has_body = _examine(scope)
        if refused is not None:
            await refuse(refused, scope, receive, send, has_body=has_body)
            return
        scope["headers"] = without_foreign_cookies(scope["headers"])
        if not has_body:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._patience):
                message = await receive()
                body = bytearray(message.get("body", b""))
                while message.get("more_body", False) and len(body) <= MOST_BYTES:
                    message = await receive()
                    body += message.get("body", b"")
        except TimeoutError:
            await refuse(TOO_SLOW, scope, receive, send, has_body=True)
            return
        if message["type"] == "http.disconnect":
            return
        if len(body) > MOST_BYTES:
            await refuse(TOO_LARGE, scope, receive, send, has_body=message.get("more_body", False))
            return
        await self._app(scope, replay(bytes(body), receive), send)


def _examine(scope: Scope) -> tuple[Problem | None, bool]:
    """What is to be refused in the head (RFC 9112), and whether a body comes after it."""
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    hosts, lengths, codings = 0, [], []
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        match name:
            case b"host":
                hosts += 1
            case b"content-length":
                lengths.append(value)
            case b"transfer-encoding":
                codings.append(value.lower())
    has_body = bool(lengths or codings)
    if not scope["path"].isprintable():
        return NOT_FOUND, has_body  # a path's pattern would take a line feed at its end
    if size > _MOST_HEAD_BYTES or len(scope["headers"]) > _MOST_HEADERS:
        return HEAD_TOO_LARGE, has_body
    version = scope["http_version"]
    if version == "0.9" or hosts > 1 or (hosts == 0 and version == "1.1"):
        return MALFORMED, has_body
    if codings and (lengths or codings != [b"chunked"] or version == "1.0"):
        return MALFORMED, has_body
    if lengths and (len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0])):
        return MALFORMED, has_body
    return (TOO_LARGE if lengths and int(lengths[0]) > MOST_BYTES else None), has_body


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send, *, has_body: bool) -> None:
    """Answer first, then let go of some of what still comes: a close upon unread bytes can take the answer away."""

    async def but_not_the_end(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await respond(problem)(scope, receive, but_not_the_end)
    drained = 0
    try:
        async with asyncio.timeout(_SECONDS_TO_DRAIN):
            while has_body and drained <= _MOST_DRAINED:
                message = await receive()
                drained += len(message.get("body", b""))
                has_body = message.get("more_body", False)
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _given_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return None


def replay(body: bytes, receive: Receive) -> Receive:
    replayed = False

    async def receive_again() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
