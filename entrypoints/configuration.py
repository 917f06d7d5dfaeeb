"""The settings in effect, where each comes from, and what of them may be shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from entrypoints.settings import Settings

DOTENV = Path(".env")
MASK = "********"

# To be found among the variables without being settings: the tests' own.
_OF_THE_TESTS = ("test_", "timing_", "faults_")
_SHOWN_PARAMETERS = frozenset({"host", "port", "ssl", "sslmode", "target_session_attrs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A setting as it may be printed. `source` is what an operator would change."""

    variable: str
    value: str
    source: str


def shown(settings: Settings) -> tuple[Shown, ...]:
    """Every setting, secrets and the password of the database masked."""
    plain = settings.model_dump(mode="json")
    return tuple(
        Shown(variable=f"PORTUNUS_{name.upper()}", value=_printed(name, plain[name], settings), source=source)
        for name, source in _sources(settings).items()
    )


def unknown_variables() -> tuple[str, ...]:
    """`PORTUNUS_…` variables that are no settings, and so have no effect."""
    named = {**EnvSettingsSource(Settings).env_vars, **_dotenv().env_vars}
    fields = (name.removeprefix("portunus_") for name in sorted(named) if name.startswith("portunus_"))
    return tuple(f"PORTUNUS_{name.upper()}" for name in fields if name not in Settings.model_fields and not _of_tests(name))


def secret_in_dotenv() -> bool:
    """Whether `.env` holds what must stay secret."""
    named: Mapping[str, Any] = _dotenv()()
    return bool(named.get("secret_key")) or "@" in str(named.get("database_url", ""))


def masked_url(url: str) -> str:
    """A database URL without its password, and without parameters that may hold one."""
    address, mark, parameters = re.sub(r"^([A-Za-z0-9+.-]*://[^:/@]*):.*@", rf"\1:{MASK}@", url, flags=re.DOTALL).partition("?")
    pairs = parse_qsl(parameters, keep_blank_values=True)
    return address + mark + "&".join(f"{name}={value if name in _SHOWN_PARAMETERS else MASK}" for name, value in pairs)


def _printed(name: str, value: Any, settings: Settings) -> str:
    if name == "database_url":
        return masked_url(settings.database_url.get_secret_value())
    if name == "secret_key":
        return MASK if settings.secret_key.get_secret_value() else ""
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _sources(settings: Settings) -> dict[str, str]:
    environment, dotenv = EnvSettingsSource(Settings)(), _dotenv()()
    found = {}
    for name, field in Settings.model_fields.items():
        if environment.get(name):
            found[name] = "environment"
        elif dotenv.get(name):
            found[name] = str(DOTENV)
        elif getattr(settings, name) != field.default:
            found[name] = "PORTUNUS_ISSUER" if name == "audience" else "development mode"
        else:
            found[name] = "default"
    return found


def _dotenv() -> DotEnvSettingsSource:
    return DotEnvSettingsSource(Settings, env_file=DOTENV)


def _of_tests(name: str) -> bool:
    return name.startswith(_OF_THE_TESTS)
