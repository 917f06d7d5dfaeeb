"""What is unsafe or missing, and what to do about it: decisions only, of what was seen elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from application.ports.audit import Grants
from application.ports.unit_of_work import Unbounded
from application.upkeep.inspect_storage import Keys, RestingOnValue, Schema, StorageReport
from application.upkeep.measure_hashing import Measured
from domain.hashing_cost import AIM, suits
from entrypoints.settings import Settings, is_loopback

Severity = Literal["unsafe", "missing", "warning", "ok"]

_MOST_CLOCK_DIFFERENCE = timedelta(seconds=60)  # beyond it new tokens are refused (docs/decisions/0007)
_MOST_PROXIES = 256
_SELDOM_ENOUGH = timedelta(milliseconds=100)  # ten in a second from one address
_WORTH_A_WARNING = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` holds the remedy too, where there is one. `unsafe` and `missing` are to be mended before Portunus serves."""

    severity: Severity
    check: str
    says: str

    @property
    def is_to_be_mended(self) -> bool:
        return self.severity in {"unsafe", "missing"}


def of_settings(settings: Settings) -> Iterator[Finding]:
    """Each reason for which `serve` would not start, and what is allowed but not advised."""
    reasons = settings.reasons_not_to_start()
    yield from (Finding("unsafe", "settings", reason) for reason in reasons)
    if not reasons:
        yield Finding("ok", "settings", "Nothing in them keeps Portunus from starting.")
    if settings.env == "development":
        yield Finding("warning", "mode", "Development mode is for one machine. For others to use it: PORTUNUS_ENV=production.")
    if settings.password_min_length < 15:
        yield Finding(
            "warning",
            "passwords",
            f"Passwords of {settings.password_min_length} characters are taken; NIST SP 800-63B-4 says 15 where the password is"
            " all that is asked for. Set PORTUNUS_PASSWORD_MIN_LENGTH=15.",
        )
    if settings.hashing_is_below_the_floor:
        yield Finding(
            "warning", "passwords", "The cost of a password hash is below OWASP's floor: leave PORTUNUS_ARGON2_* unset."
        )
    for origin in settings.cors_origins:
        if origin.startswith("http://") and not is_loopback(urlsplit(origin).hostname or ""):
            yield Finding("warning", "cors", f"{origin} is not encrypted: who is on the way can use it. Serve it by https.")
        elif settings.env == "production" and is_loopback(urlsplit(origin).hostname or ""):
            yield Finding("warning", "cors", f"{origin} is a developer's machine. Remove it from PORTUNUS_CORS_ORIGINS.")
    yield from _of_limits(settings)
    for network in settings.trusted_proxies:
        if not network.is_private and network.num_addresses > _MOST_PROXIES:
            yield Finding(
                "warning",
                "proxies",
                f"Anybody in {network} can say who they are. Name the proxies' own addresses in PORTUNUS_TRUSTED_PROXIES.",
            )
    if settings.refresh_token_in_query:
        yield Finding(
            "warning",
            "tokens",
            "Refresh tokens are taken from query strings, which proxies log. Mend the clients, then unset"
            " PORTUNUS_REFRESH_TOKEN_IN_QUERY.",
        )
    if settings.signing_algorithm == "HS256":
        yield Finding("warning", "tokens", "HS256 publishes no key: no other service can verify tokens. ES256 is the default.")


def _of_limits(settings: Settings) -> Iterator[Finding]:
    if settings.throttle == "off":
        yield Finding(
            "warning", "limits", "Nobody is slowed down (PORTUNUS_THROTTLE=off). Unset it before others can reach this."
        )
    for name, limit in (("SIGN_UP", settings.limit_sign_up), ("LOG_IN", settings.limit_log_in)):
        if limit.share < _SELDOM_ENOUGH:
            yield Finding(
                "warning",
                "limits",
                f"PORTUNUS_LIMIT_{name}={limit} slows down nobody: no machine hashes as many passwords. Set what people need.",
            )


def of_unknown_variables(names: Sequence[str]) -> Iterator[Finding]:
    known = [f"PORTUNUS_{field.upper()}" for field in Settings.model_fields]
    for name in names:
        meant = "".join(f" Is {near} meant?" for near in get_close_matches(name, known, n=1))
        yield Finding("warning", "settings", f"{name} is no setting, and has no effect.{meant}")


def of_file(path: Path, mode: int, *, holds: str) -> Iterator[Finding]:
    """Of the permission bits of a file that only its owner should read."""
    if mode & 0o077:
        yield Finding("unsafe", "files", f"{path} holds {holds} and can be read by others. Run: chmod 600 {path}")


def of_storage(report: StorageReport) -> Iterator[Finding]:
    if not report.reachable:
        yield Finding(
            "missing", "database", "It cannot be reached. See that it runs, and that PORTUNUS_DATABASE_URL leads to it."
        )
        return
    yield Finding("ok", "database", "It answers.")
    if report.schema is Schema.OUTDATED:
        yield Finding("missing", "schema", "The database is not at the version that this program needs. Run: portunus migrate")
        return
    yield Finding("ok", "schema", "It is the one that this version needs.")
    match report.keys:
        case Keys.OPEN:
            yield Finding("ok", "keys", "The signing keys open under the secret.")
        case Keys.NONE_YET:
            yield Finding("ok", "keys", "There is no signing key yet. The first start makes one.")
        case _:
            yield Finding(
                "missing",
                "keys",
                "The signing keys in the database do not open under this PORTUNUS_SECRET_KEY. Use the one they were made with.",
            )
    yield from map(_of_value, report.further_values)
    if report.unbounded:
        yield _of_unbounded(report.unbounded)
    if report.grants:
        yield _of_grants(report.grants)
    yield _of_clocks(report.clock_ahead or timedelta())


def _of_value(resting: RestingOnValue) -> Finding:
    """The third step of changing the secret, and what comes before it (docs/operating.md, The secret)."""
    value = f"value {resting.value} of PORTUNUS_SECRET_KEY"
    sessions = ""
    attested = _attested_by(resting, value)
    if resting.over_by:
        until = resting.over_by.astimezone(UTC) + timedelta(minutes=1)
        sessions = f"{resting.sessions} sessions rest on {value}, until {until:%Y-%m-%d %H:%MZ} at the latest. "
    if resting.signing_keys:
        says = f"{sessions}{resting.signing_keys} signing keys are sealed under {value}. Run: portunus keys reseal"
        return Finding("warning", "secret", says + attested)
    if attested:
        return Finding("warning", "secret", sessions + attested.lstrip())
    if sessions:
        return Finding("ok", "secret", f"{sessions}If it is the old one, remove it then; before, it would log them out.")
    return Finding(
        "ok",
        "secret",
        f"Nothing rests on {value}. If it is the old one, remove it; if it is the new one, move it first. Tokens of devices"
        " made under it are void without it: others' guesses can keep their owners waiting, until they log in again, or for the"
        " 180 days that such tokens are good for.",
    )


def _attested_by(resting: RestingOnValue, value: str) -> str:
    """The audit trail could not be told from a forged one without it."""
    says = ""
    if resting.newest_seal:
        says += f" The newest seal of the audit trail is under {value}: log in once, a second later it is not."
    if resting.checkpoint:
        says += f" What stands for the pruned part of the audit trail is under {value}. Run: portunus audit prune --before …"
    return says


def _of_grants(grants: Grants) -> Finding:
    if not grants.may_add:
        return Finding(
            "missing",
            "audit",
            f"The role {grants.role} may not add to the audit trail, and what cannot be entered is not done. As the owner:"
            f" GRANT INSERT ON audit_entries, audit_details, audit_seals, audit_failures TO {grants.role};",
        )
    if grants.owns_it:
        return Finding(
            "warning",
            "audit",
            f"The role {grants.role} owns the audit trail, and can rewrite it. Let the server have a role of its own, as"
            " docs/operating.md says (The database).",
        )
    if grants.may_change:
        return Finding(
            "warning",
            "audit",
            f"The role {grants.role} can rewrite the audit trail. As the owner: REVOKE UPDATE, DELETE, TRUNCATE ON"
            f" audit_entries, audit_details, audit_seals, audit_checkpoints FROM {grants.role};",
        )
    return Finding("ok", "audit", "The role of the server can add to the audit trail, and change nothing in it.")


def _of_unbounded(lacking: Unbounded) -> Finding:
    remedy = " ".join(f"ALTER ROLE {lacking.role} SET {name} = '{value}';" for name, value in lacking.settings.items())
    return Finding(
        "unsafe",
        "database",
        f"Behind a pooler a session's limits are those of its role, and {lacking.role} lacks some: waits may never end."
        f" As a superuser: {remedy} Then let the pooler connect anew (RECONNECT in PgBouncer's console).",
    )


def of_hashing(measured: Measured) -> Finding:
    says = f"A password hash takes {_in_ms(measured.took)} on this machine."
    if suits(measured.took):
        return Finding("ok", "passwords", says)
    fault = "Guessing at a copy of the database is cheap." if measured.took < AIM else "Few can log in at a time."
    better = ""
    if cost := measured.better:
        named = f"PORTUNUS_ARGON2_MEMORY={cost.memory}, _TIME={cost.time} and _PARALLELISM={cost.parallelism}"
        better = f" With {named} it took {_in_ms(measured.better_took)}."
    return Finding("warning", "passwords", f"{says} {fault}{better} What suits it best is found by: portunus hash calibrate")


def _in_ms(took: timedelta) -> str:
    return f"{took.total_seconds() * 1000:.0f} ms"


def _of_clocks(ahead: timedelta) -> Finding:
    seconds = abs(ahead.total_seconds())
    says = f"The database's clock is {seconds:.1f} s {'ahead of' if ahead > timedelta() else 'behind'} this machine's."
    remedy = " Keep both by NTP."
    if abs(ahead) >= _MOST_CLOCK_DIFFERENCE:
        return Finding("unsafe", "clock", f"{says} New access tokens would be refused, or live on.{remedy}")
    if abs(ahead) >= _WORTH_A_WARNING:
        return Finding("warning", "clock", says + remedy)
    return Finding("ok", "clock", f"The database's clock and this machine's differ by {seconds:.1f} s.")
