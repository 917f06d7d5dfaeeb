"""Recognising devices by the User-Agent.

Kept libraries (ua-parser) tell a thousand models of telephones and no kind of device, by patterns that take milliseconds in
pure Python; a list of sessions wants three words.
"""

from typing import final

from domain.origin import UNRECOGNISED, Device, DeviceKind, Origin

# The first whose mark is found. Browsers claim to be their predecessors, so the more special comes first.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-httpx", "httpx"),
    ("python-requests", "Requests"),
    ("aiohttp/", "aiohttp"),
    ("okhttp/", "OkHttp"),
    ("Dart/", "Dart"),
    ("PostmanRuntime/", "Postman"),
)
_SYSTEMS = (
    ("iPhone", "iOS", DeviceKind.MOBILE),
    ("iPad", "iPadOS", DeviceKind.TABLET),
    ("Android", "Android", DeviceKind.TABLET),  # a telephone says `Mobile` too
    ("CrOS", "ChromeOS", DeviceKind.DESKTOP),
    ("Windows NT", "Windows", DeviceKind.DESKTOP),
    ("Macintosh", "macOS", DeviceKind.DESKTOP),
    ("Linux", "Linux", DeviceKind.DESKTOP),
)


@final
class UserAgentDevices:
    def recognise(self, origin: Origin) -> Device:
        text = origin.user_agent
        browser = next((name for mark, name in _BROWSERS if mark in text), None)
        for mark, system, kind in _SYSTEMS:
            if mark in text:
                is_telephone = system == "Android" and "Mobile" in text
                return Device(browser=browser, system=system, kind=DeviceKind.MOBILE if is_telephone else kind)
        return Device(browser=browser) if browser else UNRECOGNISED
