"""The application, for tests that are not asynchronous: hypothesis and schemathesis ask it from threads of their own."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from tests.http.api import an_api


@pytest.fixture
def app() -> Iterator[FastAPI]:
    with asyncio.Runner() as runner:
        made = an_api()
        yield runner.run(made.__aenter__()).app
        runner.run(made.__aexit__(None, None, None))
