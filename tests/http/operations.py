"""Every route of the API, as its own description has it; and requests as a socket delivers them."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI

from entrypoints.http.app import create_app

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SOME_ID = "01a20e6c-ae10-77cc-8912-62dd01a7275a"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)

    @property
    def media_type(self) -> str:
        return (self.header(b"content-type") or b"").decode().partition(";")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method and a path; `bodies` and `answers` are what is documented of it, by media type and by status."""

    method: str
    path: str
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[int, set[str]] = field(default_factory=dict)
    secured: bool = False

    @property
    def target(self) -> bytes:
        return re.sub(r"\{[^}]*\}", SOME_ID, self.path).encode()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def documents(self, answer: Answer) -> bool:
        documented = self.answers.get(answer.status)
        return documented is not None and (answer.media_type in documented if answer.body else not documented)


def operations() -> list[Operation]:
    described = create_app({}).openapi()
    return [
        Operation(
            method=method.upper(),
            path=path,
            bodies={
                media_type: _members(described, body["schema"])
                for media_type, body in operation.get("requestBody", {}).get("content", {}).items()
            },
            answers={int(status): set(answer.get("content", {})) for status, answer in operation["responses"].items()},
            secured="security" in operation,
        )
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]


def _members(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A body with a value for each member that it can have."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {name: (member.get("examples") or ["a-value-of-15-characters"])[0] for name, member in schema["properties"].items()}


async def ask(
    app: FastAPI, method: str, target: bytes, headers: list[tuple[bytes, bytes]] | None = None, content: bytes | None = None
) -> Answer:
    """What the application answers to exactly these bytes. The scope is made as the server makes it."""
    headers = [(b"host", b"portunus"), *(headers or [])]
    if content is not None:
        headers.append((b"content-length", b"%d" % len(content)))
    raw_path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path.decode("ascii", "replace")),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content or b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Answer(sent[0]["status"], sent[0]["headers"], b"".join(message.get("body", b"") for message in sent[1:]))
