"""The application, ready to be asked."""

from collections.abc import AsyncIterator

import pytest

from tests.http.api import Api, an_api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with an_api() as made:
        yield made


@pytest.fixture
async def lenient_api() -> AsyncIterator[Api]:
    async with an_api(refresh_token_in_query=True, cors_origins=("https://app.example.com",)) as made:
        yield made
