"""Log-ins as the application answers them, with the hashes of production."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from pydantic import SecretStr

from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.unit_of_work import Store
from domain.throttle import Limit
from entrypoints.container.root import build, store_of, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.examples import SECRET


@pytest.fixture
async def portunus() -> AsyncIterator[tuple[httpx2.AsyncClient, Store]]:
    # Attempts at accounts are counted as ever; what one address may do is not what is measured.
    many = Limit(1_000_000, timedelta(minutes=1))
    settings = Settings(
        env="development", database_url=SecretStr("memory://"), secret_key=SecretStr(SECRET), limit_log_in=many
    ).with_defaults()
    container = build(settings)
    use_cases = use_cases_of(container)
    await use_cases[PrepareSigningKey]()
    transport = httpx2.ASGITransport(app=create_app(use_cases))
    async with httpx2.AsyncClient(transport=transport, base_url="http://portunus") as client:
        yield client, store_of(container)
