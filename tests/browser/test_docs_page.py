"""/docs in a real browser: `make browser`. Not part of `make test`, since Chromium comes from the system."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.examples import PASSWORD
from tests.server import Server, serving

CHROMIUM = Path("/usr/bin/chromium")
# Chromium asks its maker's servers for this and that, which is not what is looked at here.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 20_000  # in milliseconds: as long as anything on the page may take


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving("memory://", tmp_path_factory.mktemp("browser")) as server:
        body = {"username": "johndoe", "email": "johndoe@example.com", "password": PASSWORD}
        assert httpx2.post(f"{server.address}/signup", json=body).status_code == 201
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def said() -> list[str]:
    """What the browser complained of: a violation of the page's policy is such a complaint."""
    return []


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, server: Server, said: list[str], asked: list[str]) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    page.set_default_timeout(SECONDS)
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.goto(f"{server.address}/docs")
    page.wait_for_selector("#operations-sessions-log_in")
    yield page
    page.close()


def test_the_page_shows_every_operation_and_asks_nobody_else(
    page: Page, server: Server, said: list[str], asked: list[str]
) -> None:
    described = httpx2.get(f"{server.address}/openapi.json").json()
    operations = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]

    for operation in operations:
        assert page.locator(f"[id$='-{operation}']").first.is_visible(), operation

    assert [url for url in asked if not url.startswith((server.address, "data:"))] == []
    assert said == []


def test_authorize_logs_in_and_who_am_i_answers(page: Page, said: list[str], tmp_path: Path) -> None:
    page.click("button.authorize")
    page.fill("#oauth_username", "johndoe")
    page.fill("#oauth_password", PASSWORD)
    page.click(".modal-ux .auth-btn-wrapper button.authorize")
    page.wait_for_selector(".modal-ux >> text=Authorized")
    page.click(".modal-ux .btn-done")

    page.click("#operations-accounts-get_current_user .opblock-summary-control")
    page.click(".opblock.is-open .try-out__btn")
    page.click(".opblock.is-open button.execute")
    page.wait_for_selector(".opblock.is-open .live-responses-table")

    status = page.inner_text(".opblock.is-open .live-responses-table tbody .response-col_status")
    body = page.inner_text(".opblock.is-open .live-responses-table tbody .response-col_description")
    page.screenshot(path=tmp_path / "docs.png")
    print(f"A picture of the page: {tmp_path}/docs.png")
    assert status.startswith("200")
    assert '"johndoe"' in body
    assert said == []


def test_a_wrong_password_does_not_log_in(page: Page) -> None:
    page.click("button.authorize")
    page.fill("#oauth_username", "johndoe")
    page.fill("#oauth_password", "guessed wrongly, for sure")
    page.click(".modal-ux .auth-btn-wrapper button.authorize")
    page.wait_for_selector(".modal-ux .errors")

    assert page.locator(".modal-ux >> text=Logout").count() == 0
