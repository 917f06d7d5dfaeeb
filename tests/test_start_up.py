"""What production does not start with, wired as `serve` wires it, without a process for each."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from adapters.security.known_secrets import KNOWN_SECRETS
from entrypoints.container.root import build, use_cases_of
from entrypoints.http.app import create_app
from entrypoints.settings import Settings, UnsafeSettings
from tests.examples import SECRET

DATABASE = "postgresql://portunus:vF3-k9w_Zq@db/portunus"


def start(**changed: object) -> None:
    """Judge and wire, as `portunus serve` does before it listens. No connection is made."""
    fields: dict[str, object] = {"database_url": DATABASE, "secret_key": SECRET, "issuer": "https://id.example.com", **changed}
    settings = Settings.model_validate(fields).with_defaults()
    settings.require_safe()
    container = build(settings)
    container.adapters.secret()
    use_cases_of(container)


def refusal(**changed: object) -> str:
    with pytest.raises(UnsafeSettings) as refused:
        start(**changed)
    [line] = str(refused.value).splitlines()
    return line


def test_what_is_safe_starts() -> None:
    start()


@pytest.mark.parametrize(
    "name", ["session_idle_lifetime", "session_absolute_lifetime", "retention", "purge_every", "key_rotation"]
)
def test_a_span_that_leads_out_of_the_calendar_does_not_start(name: str) -> None:
    with pytest.raises(ValidationError, match="36500"):
        start(**{name: timedelta(days=36501)})

    start(**{name: timedelta(days=36500)})


def test_ks01_the_list_of_well_known_secrets_is_long_and_has_those_that_are_long_enough() -> None:
    assert len(set(KNOWN_SECRETS)) >= 75
    assert {"your-secret-key", "secret", "change-me", "your-256-bit-secret"} <= set(KNOWN_SECRETS)
    assert "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7" in KNOWN_SECRETS


@pytest.mark.parametrize("secret", KNOWN_SECRETS, ids=[secret[:24] for secret in KNOWN_SECRETS])
def test_ks01_a_well_known_secret_does_not_start(secret: str) -> None:
    written = [secret, secret.upper(), f"{SECRET},{secret}"]

    lines = [refusal(secret_key=text) for text in written]

    assert all("everybody knows" in line and "token_hex(32)" in line for line in lines)
    assert all(secret not in line.split("Make one")[0] for line in lines if len(secret) > 9)


@pytest.mark.parametrize("word", ["your-secret-key", "secret", "change-me", "portunus"])
def test_ks01_a_well_known_secret_made_longer_does_not_start(word: str) -> None:
    in_hexadecimal = (word.encode() * 32)[: 3 * len(word) * 8].hex()

    for text in (hashlib.sha256(word.encode()).hexdigest(), in_hexadecimal, word * 16):
        assert "everybody knows" in refusal(secret_key=text)


@pytest.mark.parametrize(
    "secret",
    [
        "a" * 64,
        "0" * 43,
        "ab" * 32,
        "".join(f"{number:02x}" for number in range(64, 96)),
        "".join(f"{number * 7 % 256:02x}" for number in range(32)),
        "the-quick-brown-fox-jumps-over-the-lazy-dog-again-x",
        "the_quick_brown_fox_jumps_over_the_lazy_dog_2026",
        "bXkgcGFzcyBwaHJhc2UgaXMgbG9uZyBlbm91Z2ggZm9yIHRoaXMgY2hlY2s",
    ],
)
def test_ks01_a_secret_of_low_entropy_does_not_start(secret: str) -> None:
    assert "not random" in refusal(secret_key=secret)


@pytest.mark.parametrize("secret", [SECRET[:62], "c0ffee", SECRET[:48]])
def test_ks01_a_secret_below_32_bytes_does_not_start(secret: str) -> None:
    assert "32 are needed" in refusal(secret_key=secret)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"secret_key": ""}, "Set PORTUNUS_SECRET_KEY"),
        ({"database_url": ""}, "Set PORTUNUS_DATABASE_URL"),
        ({"database_url": "memory://"}, "development only"),
        ({"database_url": "mysql://portunus@db/portunus"}, "postgresql://"),
        ({"issuer": ""}, "Set PORTUNUS_ISSUER"),
        ({"issuer": "http://id.example.com"}, "https://"),
        ({"issuer": "https://"}, "https://"),
        ({"argon2_memory": 1024}, "OWASP"),
        ({"env": "development", "host": "0.0.0.0"}, "loopback"),  # noqa: S104 - what is refused
        ({"env": "development", "host": "example.com"}, "loopback"),
    ],
)
def test_ks01_what_is_missing_or_unsafe_does_not_start(changed: dict[str, object], said: str) -> None:
    assert said in refusal(**changed)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://portunus:portunus@db/portunus",
        "postgresql://postgres:postgres@db/portunus",
        "postgresql://app:changeme@db/portunus",
        "postgresql://app:Passw0rd@db/portunus",
        "postgresql://app:APP@db/portunus",
        "postgresql://app:accounts@db/accounts",
        "postgresql://app:change%2Dme@db/portunus",
    ],
)
def test_ks01_a_default_database_password_does_not_start(url: str) -> None:
    assert "everybody tries first" in refusal(database_url=url)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660, 0o666, 0o620])
def test_ks01_a_secret_file_that_others_can_open_does_not_start(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(mode)

    line = refusal(secret_key="", secret_key_file=path)

    assert f"chmod 600 {path}" in line
    assert SECRET not in line


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_file_of_its_owner_alone_starts(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(mode)

    start(secret_key="", secret_key_file=path)


def test_ks01_there_is_no_debug_mode() -> None:
    assert not create_app({}).debug
    assert "debug" not in Settings.model_fields


@pytest.mark.parametrize("env", ["production", "development"])
def test_ks02_nothing_is_wired_with_a_secret_that_nobody_gave(env: str) -> None:
    settings = Settings(
        env="production" if env == "production" else "development",
        database_url=SecretStr(DATABASE),
        issuer="https://id.example.com",
    )

    with pytest.raises(UnsafeSettings, match="PORTUNUS_SECRET_KEY"):
        use_cases_of(build(settings))
