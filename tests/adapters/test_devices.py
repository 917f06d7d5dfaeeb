import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.devices import UserAgentDevices
from domain.origin import UNRECOGNISED, Device, DeviceKind, Origin

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "browser", "system", "kind"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "Linux", "desktop"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome", "Windows", "desktop"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge",
            "Windows",
            "desktop",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.5 Safari/605.1.15",
            "Safari",
            "macOS",
            "desktop",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {APPLE} Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari",
            "iOS",
            "mobile",
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {APPLE} CriOS/142.0 Mobile/15E148",
            "Chrome",
            "iPadOS",
            "tablet",
        ),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome", "Android", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 15; SM-X910) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome", "Android", "tablet"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome", "ChromeOS", "desktop"),
        ("curl/8.16.0", "curl", None, "other"),
        ("python-httpx/0.28.1", "httpx", None, "other"),
    ],
)
def test_what_is_in_use_is_recognised(user_agent: str, browser: str, system: str | None, kind: str) -> None:
    assert UserAgentDevices().recognise(Origin(user_agent=user_agent)) == Device(
        browser=browser, system=system, kind=DeviceKind(kind)
    )


@pytest.mark.parametrize("user_agent", ["", "-", "Mozilla/5.0", "<script>alert(1)</script>"])
def test_what_says_nothing_is_not_recognised(user_agent: str) -> None:
    assert UserAgentDevices().recognise(Origin(user_agent=user_agent)) == UNRECOGNISED


@given(st.text(max_size=512))
def test_no_text_breaks_it_or_comes_back(user_agent: str) -> None:
    device = UserAgentDevices().recognise(Origin(user_agent=user_agent))

    assert len(device.browser or "") <= 64
    assert len(device.system or "") <= 64
