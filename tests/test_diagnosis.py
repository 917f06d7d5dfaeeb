"""What `portunus doctor` finds, and what `portunus config` shows."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from application.ports.audit import Grants
from application.ports.unit_of_work import Unbounded
from application.upkeep.inspect_storage import Keys, RestingOnValue, Schema, StorageReport
from application.upkeep.measure_hashing import Measured
from domain.hashing_cost import HashingCost
from entrypoints.configuration import MASK, masked_url, shown
from entrypoints.diagnosis import Finding, of_file, of_hashing, of_settings, of_storage, of_unknown_variables
from entrypoints.settings import Settings, UnsafeSettings
from tests.examples import SECRET

SAFE: dict[str, object] = {
    "database_url": "postgresql://portunus:vF3-k9w_Zq@db/portunus",
    "secret_key": SECRET,
    "issuer": "https://id.example.com",
}
SOUND = StorageReport(reachable=True, schema=Schema.CURRENT, keys=Keys.OPEN, clock_ahead=timedelta(milliseconds=3))


def settings(**changed: object) -> Settings:
    return Settings.model_validate({**SAFE, **changed}).with_defaults()


def not_ok(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity != "ok"]


def test_of_what_is_safe_nothing_is_said_but_that_it_is() -> None:
    findings = [*of_settings(settings()), *of_storage(SOUND)]

    assert not_ok(findings) == []
    assert {finding.check for finding in findings} == {"settings", "database", "schema", "keys", "clock"}


@pytest.mark.parametrize(
    "changed",
    [
        {"secret_key": ""},
        {"database_url": "memory://"},
        {"database_url": "postgresql://portunus:portunus@db/portunus"},
        {"issuer": "http://id.example.com", "audience": "x"},
        {"argon2_memory": 8},
        {"trusted_proxies": "10.0.0.0/8, 0.0.0.0/0"},
        {"trusted_proxies": "::/0"},
        {"trusted_proxies": "0.0.0.0/1, 10.0.0.0/8, 128.0.0.0/1"},
        {"trusted_proxies": "2000::/3, fc00::/7"},
        {"throttle": "off"},
        {"breached_passwords_url": "http://ranges.example.com/"},
        {"breached_passwords_url": "https://ranges.example.com/", "breached_passwords_file": "breached.txt"},
        {"env": "development", "host": "0.0.0.0"},  # noqa: S104 - what is found
        {"access_token_lifetime": "PT1H", "session_idle_lifetime": "PT30M"},
    ],
)
def test_what_serve_refuses_the_doctor_calls_unsafe_in_the_same_words(changed: dict[str, object]) -> None:
    judged = settings(**changed)
    with pytest.raises(UnsafeSettings) as refused:
        judged.require_safe()

    unsafe = [finding.says for finding in of_settings(judged) if finding.is_to_be_mended]

    assert unsafe == str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("changed", "check", "remedy"),
    [
        ({"env": "development"}, "mode", "PORTUNUS_ENV=production"),
        ({"password_min_length": 14}, "passwords", "PORTUNUS_PASSWORD_MIN_LENGTH=15"),
        ({"cors_origins": "http://app.example.com"}, "cors", "https"),
        ({"cors_origins": "http://localhost:3000"}, "cors", "Remove it"),
        ({"refresh_token_in_query": True}, "tokens", "unset PORTUNUS_REFRESH_TOKEN_IN_QUERY"),
        ({"trusted_proxies": "10.0.0.0/8, 198.51.0.0/16"}, "proxies", "PORTUNUS_TRUSTED_PROXIES"),
        ({"signing_algorithm": "HS256"}, "tokens", "ES256"),
        ({"limit_log_in": "1000/1m/address"}, "limits", "PORTUNUS_LIMIT_LOG_IN=1000/1m/address slows down nobody"),
        ({"limit_sign_up": "9999999/1s/address"}, "limits", "Set what people need"),
    ],
)
def test_what_is_allowed_but_not_advised_is_one_warning_with_its_remedy(
    changed: dict[str, object], check: str, remedy: str
) -> None:
    [warning] = not_ok(of_settings(settings(**changed)))

    assert (warning.severity, warning.check) == ("warning", check)
    assert remedy in warning.says


def test_hashing_below_the_floor_is_allowed_in_development_and_warned_of() -> None:
    findings = not_ok(of_settings(settings(env="development", argon2_memory=64, argon2_time=1)))

    assert [(finding.severity, finding.check) for finding in findings] == [("warning", "mode"), ("warning", "passwords")]


def test_a_throttle_that_is_off_is_allowed_in_development_and_warned_of() -> None:
    findings = not_ok(of_settings(settings(env="development", throttle="off")))

    assert [(finding.severity, finding.check) for finding in findings] == [("warning", "mode"), ("warning", "limits")]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("limit_sign_up", "10 per hour", "10/1h/address"),
        ("limit_sign_up", "10/1h/process", "this limit is per address"),
        ("limit_log_ins_of_all", "10/1h/address", "this limit is per process"),
        ("limit_log_in", "0/1h/address", "10/1h/address"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_the_form_of_one(name: str, value: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(**{name: value})


def test_a_developers_origin_is_no_finding_on_a_developers_machine() -> None:
    findings = not_ok(of_settings(settings(env="development", cors_origins="http://localhost:3000")))

    assert [finding.check for finding in findings] == ["mode"]


@pytest.mark.parametrize(
    ("report", "severity", "check", "remedy"),
    [
        (StorageReport(reachable=False), "missing", "database", "PORTUNUS_DATABASE_URL"),
        (StorageReport(reachable=True, schema=Schema.OUTDATED), "missing", "schema", "portunus migrate"),
        (
            StorageReport(
                reachable=True, schema=Schema.CURRENT, keys=Keys.SEALED_UNDER_ANOTHER_SECRET, clock_ahead=timedelta()
            ),
            "missing",
            "keys",
            "the one they were made with",
        ),
        (
            StorageReport(reachable=True, schema=Schema.CURRENT, keys=Keys.OPEN, clock_ahead=timedelta(seconds=-3)),
            "warning",
            "clock",
            "3.0 s behind this machine's. Keep both by NTP",
        ),
        (
            StorageReport(reachable=True, schema=Schema.CURRENT, keys=Keys.OPEN, clock_ahead=timedelta(seconds=61)),
            "unsafe",
            "clock",
            "61.0 s ahead of this machine's",
        ),
    ],
)
def test_each_fault_of_the_storage_is_one_finding_with_its_remedy(
    report: StorageReport, severity: str, check: str, remedy: str
) -> None:
    [finding] = not_ok(of_storage(report))

    assert (finding.severity, finding.check) == (severity, check)
    assert remedy in finding.says


@pytest.mark.parametrize(
    ("resting", "severity", "says"),
    [
        ({}, "ok", "Nothing rests on value 2 of PORTUNUS_SECRET_KEY. If it is the old one, remove it"),
        (
            {"sessions": 3, "over_by": datetime(2026, 12, 2, 14, 5, 6, tzinfo=UTC)},
            "ok",
            "3 sessions rest on value 2 of PORTUNUS_SECRET_KEY, until 2026-12-02 14:06Z at the latest. If it is the old one",
        ),
        ({"signing_keys": 2}, "warning", "2 signing keys are sealed under value 2 of PORTUNUS_SECRET_KEY. Run: portunus keys"),
        (
            {"sessions": 3, "over_by": datetime(2026, 12, 2, tzinfo=UTC), "signing_keys": 2},
            "warning",
            "3 sessions rest on value 2 of PORTUNUS_SECRET_KEY, until 2026-12-02 00:01Z at the latest. 2 signing keys",
        ),
    ],
)
def test_of_an_older_value_of_the_secret_it_is_said_what_rests_on_it_and_until_when(
    resting: dict[str, Any], severity: str, says: str
) -> None:
    value = RestingOnValue(**{"value": 2, "sessions": 0, "over_by": None, "signing_keys": 0, **resting})

    [finding] = [finding for finding in of_storage(replace(SOUND, further_values=(value,))) if finding.check == "secret"]

    assert finding.severity == severity
    assert finding.says.startswith(says)


@pytest.mark.parametrize(
    ("attesting", "remedy"),
    [({"newest_seal": True}, "log in once"), ({"checkpoint": True}, "portunus audit prune"), ({"signing_keys": 1}, "reseal")],
)
def test_a_value_that_is_needed_for_more_than_time_can_settle_is_a_warning_with_what_to_do(
    attesting: dict[str, Any], remedy: str
) -> None:
    value = RestingOnValue(**{"value": 2, "sessions": 0, "over_by": None, "signing_keys": 0, **attesting})

    [finding] = not_ok(of_storage(replace(SOUND, further_values=(value,))))

    assert (finding.severity, finding.check) == ("warning", "secret")
    assert remedy in finding.says
    assert "remove it" not in finding.says


@pytest.mark.parametrize(
    ("grants", "severity", "remedy"),
    [
        ({}, "ok", "change nothing"),
        ({"may_change": True}, "warning", "REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries, audit_details, audit_seals,"),
        ({"owns_it": True, "may_change": True}, "warning", "a role of its own"),
        ({"may_add": False}, "missing", "GRANT INSERT ON audit_entries"),
    ],
)
def test_of_the_audit_trail_it_is_said_whether_the_server_can_add_and_not_rewrite(
    grants: dict[str, Any], severity: str, remedy: str
) -> None:
    asked = Grants(**{"role": "portunus_server", "owns_it": False, "may_change": False, "may_add": True, **grants})

    [finding] = [finding for finding in of_storage(replace(SOUND, grants=asked)) if finding.check == "audit"]

    assert finding.severity == severity
    assert remedy in finding.says


def test_a_role_without_limits_behind_a_pooler_is_unsafe_and_the_lines_that_mend_it_are_told() -> None:
    lacking = Unbounded(role="portunus_server", settings={"lock_timeout": "500", "synchronous_commit": "on"})

    [finding] = not_ok(of_storage(replace(SOUND, unbounded=lacking)))

    assert finding.severity == "unsafe"
    assert "ALTER ROLE portunus_server SET lock_timeout = '500';" in finding.says
    assert "ALTER ROLE portunus_server SET synchronous_commit = 'on';" in finding.says


def test_hashing_that_is_too_cheap_or_too_dear_here_is_a_warning_that_says_what_finds_better() -> None:
    better = HashingCost(memory=65536, time=3)
    weak = of_hashing(Measured(took=timedelta(milliseconds=1), better=better, better_took=timedelta(milliseconds=52)))
    slow, well = (of_hashing(Measured(took=timedelta(milliseconds=took))) for took in (1000, 49))

    assert [one.severity for one in (weak, slow, well)] == ["warning", "warning", "ok"]
    assert "PORTUNUS_ARGON2_MEMORY=65536, _TIME=3 and _PARALLELISM=1 it took 52 ms." in weak.says
    assert weak.says.endswith("portunus hash calibrate")
    assert ("Guessing" in weak.says, "Few can log in" in slow.says) == (True, True)


def test_a_misspelt_variable_is_found_and_the_one_that_is_meant_named() -> None:
    [finding] = of_unknown_variables(["PORTUNUS_CORS_ORIGIN"])

    assert finding.severity == "warning"
    assert "Is PORTUNUS_CORS_ORIGINS meant?" in finding.says


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_file_of_secrets_that_others_can_open_is_unsafe(mode: int) -> None:
    [finding] = of_file(Path(".env"), 0o100000 | mode, holds="a secret")

    assert finding == Finding("unsafe", "files", ".env holds a secret and can be read by others. Run: chmod 600 .env")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_its_owner_alone_can_open_is_no_finding(mode: int) -> None:
    assert list(of_file(Path(".env"), 0o100000 | mode, holds="a secret")) == []


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:hunter2@db/x", f"postgresql://u:{MASK}@db/x"),
        ("postgresql://u:hunter2@db1:1,db2:2/x?sslmode=require", f"postgresql://u:{MASK}@db1:1,db2:2/x?sslmode=require"),
        ("postgresql://u:hunter2/hunter2@hunter2@db/x", f"postgresql://u:{MASK}@db/x"),
        ("postgresql://db/x?password=hunter2&user=u", f"postgresql://db/x?password={MASK}&user={MASK}"),
        ("postgresql://u:hunter2#?hunter2@db/x", f"postgresql://u:{MASK}@db/x"),
        ("postgresql://u@db/x", "postgresql://u@db/x"),
        ("sqlite:////data/a@b:c.db", "sqlite:////data/a@b:c.db"),
        ("memory://", "memory://"),
        ("", ""),
    ],
)
def test_the_password_in_a_database_url_is_masked_wherever_it_stands(url: str, masked: str) -> None:
    assert masked_url(url) == masked
    assert "hunter2" not in masked


def test_config_shows_every_setting_and_no_secret() -> None:
    printed = shown(settings())

    assert [one.variable for one in printed] == [f"PORTUNUS_{name.upper()}" for name in Settings.model_fields]
    assert {one.variable: one.value for one in printed}["PORTUNUS_SECRET_KEY"] == MASK
    assert not any(SECRET in one.value or "vF3-k9w_Zq" in one.value for one in printed)
