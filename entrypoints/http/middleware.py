"""What holds for every request: an id, a bound on the body, headers on the answer."""

import re
import secrets
from typing import Any, final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.problems import TOO_LARGE, internal_error, respond

MOST_BYTES = 16 * 1024
_MOST_DRAINED = 256 * 1024  # so that a client which sends before it reads can read the refusal
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)


@final
class RequestContext:
    """Takes `X-Request-ID` or makes one, for the answer and for every line of the log; and says that answers are not kept.

    A bug ends here: logged once, with the id that the answer carries.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log: Any = structlog.get_logger("portunus.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception:
                self._log.exception("request_failed", method=scope["method"], path=scope["path"])
                if started:
                    raise
                await respond(internal_error())(scope, receive, send_with_headers)


@final
class BodyLimit:
    """Reads the body, 16 KiB at most, before anything else looks at the request; answers 413 and closes beyond that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if not ({"content-length", "transfer-encoding"} & set(headers.keys())):
            await self._app(scope, receive, send)
            return
        body, complete = bytearray(), False
        while not complete and len(body) <= _MOST_DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            complete = not message.get("more_body", False)
        if len(body) > MOST_BYTES:
            await respond(TOO_LARGE)(scope, receive, send)
            return
        await self._app(scope, _replay(bytes(body), receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    replayed = False

    async def receive_again() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
