import re

import httpx2
import pytest

from entrypoints.http.app import create_app
from tests.http.api import require_problem


@pytest.fixture
def client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=create_app({})), base_url="http://portunus")


async def test_the_page_and_all_that_it_loads_are_served_from_here(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 5
    for path in loaded:
        assert path.startswith("/")
        assert (await client.get(path)).status_code == 200


async def test_ht10_the_page_lets_nothing_in_from_elsewhere(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in page.text


async def test_the_licence_of_what_is_vendored_is_beside_it(client: httpx2.AsyncClient) -> None:
    for name in ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (await client.get(f"/docs/assets/{name}")).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/assets/start.js"])
async def test_ht15_nothing_of_it_is_served_when_it_is_turned_off(path: str) -> None:
    app = create_app({}, docs=False)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://portunus") as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/docs/assets/../app.py", "/docs/assets/%2e%2e/app.py", "/docs/assets/"])
async def test_nothing_beside_the_assets_is_served(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=5-2", "bytes=999999999-", "bytes=0-0,2-2", "lines=1-2", "bytes=", "x"])
async def test_ht08_a_file_is_served_whole_whatever_part_is_asked_for(client: httpx2.AsyncClient, asked: str) -> None:
    whole = await client.get("/docs/assets/start.js")

    part = await client.get("/docs/assets/start.js", headers={"Range": asked})

    assert (part.status_code, part.content) == (200, whole.content)
    assert part.headers["Accept-Ranges"] == "none"


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
async def test_ht08_what_is_not_served_of_a_file_is_a_problem(client: httpx2.AsyncClient, method: str) -> None:
    require_problem(await client.request(method, "/docs/assets/start.js"), 405, "method_not_allowed")
    require_problem(await client.get("/docs/assets/absent.js"), 404, "not_found")
