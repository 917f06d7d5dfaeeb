"""What is measured beside the product itself, on the same server: nothing at all, and the framework's smallest route."""

import os
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from application.ports.unit_of_work import Store
from benchmarks.accounts import NewAccount
from entrypoints.container.root import build, store_of
from entrypoints.http.factory import app_on
from entrypoints.settings import Settings


class Greeting(BaseModel):
    message: str
    name: str


async def hello() -> Greeting:
    return Greeting(message="hello", name="world")


def portunus() -> FastAPI:
    """The product, and in the same app, behind the same middleware, one route more."""
    settings = Settings.read()
    container = build(settings)
    app = app_on(container, settings)
    app.add_api_route("/hello", hello)
    if path := os.environ.get("BENCHMARK_ACCOUNTS"):
        _fill_at_start(app, store_of(container), Path(path))
    return app


def framework() -> FastAPI:
    """That route without any middleware."""
    app = FastAPI()
    app.add_api_route("/hello", hello)
    return app


def bare() -> ASGIApp:
    body = b'{"message":"hello","name":"world"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def of_this_process() -> ASGIApp:
    """The one that BENCHMARK_APP names: server processes are told nothing else."""
    makers: dict[str, Callable[[], ASGIApp]] = {"portunus": portunus, "framework": framework, "bare": bare}
    return makers[os.environ["BENCHMARK_APP"]]()


def _fill_at_start(app: FastAPI, store: Store, path: Path) -> None:
    """For storage that nobody else can write to."""
    inner, new = app.router.lifespan_context, pickle.loads(path.read_bytes())  # noqa: S301 - which the benchmark wrote

    @asynccontextmanager
    async def filled(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app):
            await _open(store, new)
            yield

    app.router.lifespan_context = filled


async def _open(store: Store, new: list[NewAccount]) -> None:
    async with store.begin() as work:
        for account in new:
            await work.users.add(account.user)
            await work.sessions.open(account.session)
        await work.commit()
