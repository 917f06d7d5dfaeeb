"""Refusing by address, before a body is read."""

from collections.abc import Mapping
from typing import Any, final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from application.limits.admit_request import AdmitRequest
from domain.errors import Unavailable
from domain.throttle import Action, Throttled
from entrypoints.http.middleware import refuse, replay
from entrypoints.http.origin import origin_of
from entrypoints.http.problems import of_refusal, respond

# A password is counted where it is looked at, and a refresh token that is not good likewise: the sender of one that is good
# is not to be kept out by neighbours.
BY_ADDRESS: Mapping[tuple[str, str], Action] = {
    ("POST", "/signup"): Action.SIGN_UP,
    ("POST", "/introspect"): Action.INTROSPECTION,
    ("POST", "/revoke"): Action.INTROSPECTION,
    ("GET", "/.well-known/revocations"): Action.FEED,
}


@final
class ThrottleByAddress:
    """Counts requests to the routes above, where the address alone decides; paths are exact, as the router takes them."""

    def __init__(self, app: ASGIApp, *, use_cases: Mapping[type, Any]) -> None:
        self._app = app
        self._use_cases = use_cases

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        action = BY_ADDRESS.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if action is not None:
            admit_request: AdmitRequest = self._use_cases[AdmitRequest]
            try:
                await admit_request(action=action, origin=origin_of(HTTPConnection(scope)))
            except (Throttled, Unavailable) as refused:
                await refuse(of_refusal(refused), scope, receive, send, has_body=scope["method"] == "POST")
                return
        await self._app(scope, receive, send)


@final
class RoomForLogIn:
    """Refuses a log-in by password before its form is parsed: where its address is at its limit, or no hash could even wait.

    Stands where bodies are whole: a form that names a refresh token passes, since that costs no hash.
    """

    def __init__(self, app: ASGIApp, *, use_cases: Mapping[type, Any]) -> None:
        self._app = app
        self._use_cases = use_cases

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/token" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        admit_request: AdmitRequest = self._use_cases[AdmitRequest]
        try:
            await admit_request(action=Action.LOG_IN, origin=origin_of(HTTPConnection(scope)))
        except (Throttled, Unavailable) as refused:
            message = await receive()
            if b"refresh_token" not in message.get("body", b""):
                await respond(of_refusal(refused))(scope, receive, send)
                return
            receive = replay(message["body"], receive)
        await self._app(scope, receive, send)
