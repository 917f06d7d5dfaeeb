"""What is measured beside the product itself, on the same server: nothing at all, and the framework's smallest route."""

import os
from collections.abc import Callable

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.factory import make_app


class Greeting(BaseModel):
    message: str
    name: str


async def hello() -> Greeting:
    return Greeting(message="hello", name="world")


def portunus() -> FastAPI:
    """The product, and in the same app, behind the same middleware, one route more."""
    app = make_app()
    app.add_api_route("/hello", hello)
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
