"""Parsing what clients send: one reading of each body, or none."""

import json
import re
from collections.abc import Callable, Collection, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from entrypoints.http.inject import Endpoint, find_first, found_first, with_made
from entrypoints.http.plain import answering, asks_nothing, plainly
from entrypoints.http.problems import ProblemRaised

_MOST_DEPTH = 16
_MOST_FIELDS = 20
_NOT_PLAIN = re.compile("[\0\ud800-\udfff]")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class StrictRequest(Request):
    """A request whose body means one thing: no duplicate members, no repeated fields, no replacement characters."""

    async def body(self) -> bytes:
        """Which `RequestLimits` has read as a whole."""
        if not hasattr(self, "_body"):
            self._body: bytes = (await self.receive()).get("body", b"")
        return self._body

    @property
    def media_type(self) -> str:
        return _media_type(next(iter(_values_of(self, b"content-type")), ""))

    async def json(self) -> Any:
        body = await self.body()
        try:
            value = _JSON.decode(body.decode("utf-8"))
        except ProblemRaised:
            raise
        except (ValueError, RecursionError):
            raise _not_json("malformed, or not UTF-8") from None
        if not isinstance(value, dict):
            raise _not_json("not an object")
        _require_plain(value, _MOST_DEPTH)
        return value

    async def _get_form(self, **_: Any) -> FormData:
        self._form = FormData(await self.fields())
        return self._form

    async def fields(self) -> dict[str, str]:
        """Of a form."""
        body = await self.body()
        if _BAD_PERCENT.search(body):
            raise _not_a_form("a % is not followed by two hexadecimal digits")
        try:
            pairs = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=bool(body),
                errors="strict",
                max_num_fields=_MOST_FIELDS,
            )
        except ValueError:
            raise _not_a_form("malformed, not UTF-8, or of too many fields") from None
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise _not_a_form("a field is repeated")
        if any("\0" in text for pair in pairs for text in pair):
            raise _not_a_form("it holds a NUL character")
        return dict(pairs)


class StrictRoute(APIRoute):
    """Reads bodies by `StrictRequest`, and takes the media type that the route declares, or answers 415.

    Of a parameter that a query string repeats the framework would take the last, and others on the way the first: 422. A route
    that has nothing for the framework to parse is called without it.
    """

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        called = with_made(endpoint)
        if security := [dict(one) for asked in found_first(called).values() for one in asked.security]:
            options["openapi_extra"] = {**(options.get("openapi_extra") or {}), "security": security}
        super().__init__(path, called, **options)
        if asks_nothing(self):
            self.app = answering(self.get_route_handler(), StrictRequest)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = plainly(self) if asks_nothing(self) else super().get_route_handler()
        asked = {field.alias for field in self.dependant.query_params}
        first = found_first(self.endpoint)
        if self.methods == {"GET"} and self.body_field is None and not asked and not first:
            return handle  # there is nothing to be strict about
        expected = None
        if self.body_field is not None:
            is_form = isinstance(self.body_field.field_info, Form)
            expected = "application/x-www-form-urlencoded" if is_form else "application/json"

        async def strictly(request: Request) -> Response:
            strict = request if isinstance(request, StrictRequest) else StrictRequest(request.scope, request.receive)
            if asked and b"&" in request.scope["query_string"]:
                _require_once(strict, asked)
            if expected is not None and (await strict.body() or strict.media_type):  # no body at all is a matter of fields
                require_media_type(strict, expected)
            if first:
                await find_first(first, strict)
            return await handle(strict)

        return strictly


def _require_once(request: Request, names: Collection[str]) -> None:
    repeated = [name for name in sorted(names) if len(request.query_params.getlist(name)) > 1]
    if repeated:
        raise RequestValidationError([{"type": "repeated", "loc": ("query", name)} for name in repeated])


def require_media_type(request: StrictRequest, *accepted: str) -> str:
    """Which of the accepted media types the body has. Raises a 415 otherwise."""
    types = [_media_type(value) for value in _values_of(request, b"content-type")]
    codings = _values_of(request, b"content-encoding")
    if len(types) != 1 or types[0] not in accepted or any(coding.lower() != "identity" for coding in codings):
        raise ProblemRaised(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", f"Send {' or '.join(accepted)}, uncompressed."
        )
    return types[0]


def _values_of(request: Request, name: bytes) -> list[str]:
    return [value.decode("latin-1") for each, value in request.scope["headers"] if each == name]


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip(" \t").lower()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _not_json("a member is repeated")
    return members


def _constant(_: str) -> None:
    raise _not_json("NaN and Infinity are not JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def _require_plain(value: Any, depth: int) -> None:
    """Raises for nesting deeper than `depth`, lone surrogates and NUL characters."""
    if depth == 0:
        raise _not_json("nested too deeply")
    if isinstance(value, dict):
        for name, member in value.items():
            _require_plain(name, depth)
            _require_plain(member, depth - 1)
    elif isinstance(value, list):
        for member in value:
            _require_plain(member, depth - 1)
    elif isinstance(value, str) and _NOT_PLAIN.search(value):
        raise _not_json("it holds a NUL character or half a surrogate pair")


def _not_json(reason: str) -> ProblemRaised:
    return ProblemRaised(HTTPStatus.BAD_REQUEST, "invalid_json", f"The body is not a JSON object: {reason}.")


def _not_a_form(reason: str) -> ProblemRaised:
    return ProblemRaised(HTTPStatus.BAD_REQUEST, "invalid_form", f"The body is not a form: {reason}.")
