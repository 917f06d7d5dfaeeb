"""What an operator can set. Read by the command line and by http/factory.py; handed to the container; imported by no other."""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.client_address import Network
from domain.throttle import InvalidLimit, Limit, Limits, Per

NEW_SECRET = "python3 -c 'import secrets; print(secrets.token_hex(32))'"  # noqa: S105 - the command, not a secret
_DEFAULT_PASSWORDS = frozenset(
    "postgres postgresql portunus password passw0rd password123 changeme change-me changethis change-this admin root secret"
    " example test dev development default qwerty letmein trust 1234 12345 123456 12345678 123456789".split()
)


def _seconds(value: object) -> object:
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value


def _limit(per: Per) -> Any:
    def parsed(value: object) -> object:
        limit = Limit.parse(value) if isinstance(value, str) else value
        if isinstance(limit, Limit) and limit.per is not per:
            raise InvalidLimit(f"this limit is per {per}")
        return limit

    return BeforeValidator(parsed)


Span = Annotated[timedelta, BeforeValidator(_seconds)]
_LONGEST = timedelta(days=36500)  # added to today, or taken from it, it is still a date
_LIMITS = Limits()
PerAddress = Annotated[Limit, NoDecode, _limit(Per.ADDRESS), PlainSerializer(str)]
PerProcess = Annotated[Limit, NoDecode, _limit(Per.PROCESS), PlainSerializer(str)]


class UnsafeSettings(Exception):
    """Why Portunus does not start, a line for each reason. Never holds a value that was set."""


class Settings(BaseSettings):
    """Each field is the variable `PORTUNUS_` + its name in capitals. Spans are seconds, or ISO 8601 (`PT15M`)."""

    model_config = SettingsConfigDict(
        env_prefix="PORTUNUS_", frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    env: Annotated[
        Literal["production", "development"],
        Field(description="`development` generates what is missing and binds to loopback only."),
    ] = "production"
    database_url: Annotated[
        SecretStr,
        Field(
            description="`sqlite:///path`, `postgresql://user:password@host/name` (`?pooler=transaction` by PgBouncer), or `memory://`."
        ),
    ] = SecretStr("")
    secret_key: Annotated[
        SecretStr,
        Field(description="32 random bytes or more, hexadecimal or base64url. Several, separated by commas: the first makes."),
    ] = SecretStr("")
    secret_key_file: Annotated[Path | None, Field(description="A file that holds the secret key instead.")] = None
    issuer: Annotated[str, Field(description="The https:// address that clients know Portunus by; `iss` of its tokens.")] = ""
    audience: Annotated[str, Field(description="`aud` of access tokens. Default: the issuer.")] = ""
    host: Annotated[str, Field(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535, description="The port to listen on.")] = 8000
    password_min_length: Annotated[
        int, Field(ge=8, le=64, description="Fewest characters of a new password. NIST SP 800-63B-4 says 15.")
    ] = 15
    breached_passwords_file: Annotated[
        Path | None,
        Field(description="A sorted file of SHA-1 digests of passwords that leaked. None of them is taken."),
    ] = None
    breached_passwords_url: Annotated[
        str,
        Field(description="Instead of the file: the https:// address of a service that is told 5 of a digest's 40 digits."),
    ] = ""
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="Origins whose pages may call Portunus, exactly as browsers send them, separated by commas."),
    ] = ()
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        NoDecode,
        Field(description="Networks of the proxies that are believed about who calls (CIDR), separated by commas."),
    ] = ()
    throttle: Annotated[
        Literal["on", "off"], Field(description="`off` lets everybody try as often as they like; in development mode only.")
    ] = "on"
    limit_sign_up: Annotated[PerAddress, Field(description="How many sign-ups an address is let through for.")] = (
        _LIMITS.sign_up
    )
    limit_log_in: Annotated[
        PerAddress, Field(description="How many passwords may be tried from an address, right ones included.")
    ] = _LIMITS.log_in
    limit_log_ins_of_all: Annotated[
        PerProcess,
        Field(description="Beyond so many tried in all, each address is let through for a tenth. It refuses nobody by itself."),
    ] = _LIMITS.log_ins_of_all
    limit_refresh_failures: Annotated[
        PerAddress, Field(description="How many refresh tokens that are not good an address may send.")
    ] = _LIMITS.refresh_failures
    limit_introspection: Annotated[
        PerAddress, Field(description="How many questions about tokens, and revocations, an address is let through for.")
    ] = _LIMITS.introspection
    limit_feed: Annotated[
        PerAddress, Field(description="How often an address may read the revocation feed, of each process.")
    ] = _LIMITS.feed
    max_requests: Annotated[
        int, Field(ge=1, le=100000, description="Requests that each process serves at once. One more is told to come back.")
    ] = 5000
    request_timeout: Annotated[
        Span,
        Field(
            ge=timedelta(seconds=1),
            le=timedelta(minutes=1),
            description="How long a request's head, and its body, may take to come, and a client to take 16 KiB of an answer.",
        ),
    ] = timedelta(seconds=10)
    access_token_lifetime: Annotated[
        Span,
        Field(ge=timedelta(seconds=1), le=timedelta(hours=1), description="How long an access token is good for."),
    ] = timedelta(minutes=15)
    session_idle_lifetime: Annotated[
        Span, Field(ge=timedelta(minutes=1), le=_LONGEST, description="A session that is not refreshed for so long is over.")
    ] = timedelta(days=7)
    session_absolute_lifetime: Annotated[
        Span, Field(ge=timedelta(minutes=1), le=_LONGEST, description="So long after the log-in a session is over.")
    ] = timedelta(days=30)
    sessions_per_user: Annotated[
        int, Field(ge=1, le=10000, description="How many sessions a user may have. One more ends the oldest.")
    ] = 100
    retention: Annotated[
        Span,
        Field(
            ge=timedelta(hours=1),
            le=_LONGEST,
            description="How long sessions that are over, and retired signing keys, are kept before they are removed.",
        ),
    ] = timedelta(days=30)
    purge_every: Annotated[
        Span,
        Field(
            ge=timedelta(0), le=_LONGEST, description="How often a process removes what is kept no longer. 0: never by itself."
        ),
    ] = timedelta(hours=1)
    refresh_grace: Annotated[
        Span,
        Field(
            ge=timedelta(0),
            le=timedelta(minutes=5),
            description="How long the refresh token before the newest gets the same successor again.",
        ),
    ] = timedelta(seconds=30)
    signing_algorithm: Annotated[
        Literal["ES256", "EdDSA", "RS256", "HS256"],
        Field(description="How access tokens are signed. HS256 publishes no key: only Portunus itself can verify the tokens."),
    ] = "ES256"
    key_rotation: Annotated[
        Span,
        Field(
            ge=timedelta(minutes=1),
            le=_LONGEST,
            description="How long a key signs access tokens before the next one takes over.",
        ),
    ] = timedelta(days=90)
    key_set_max_age: Annotated[
        Span,
        Field(
            ge=timedelta(seconds=1),
            le=timedelta(minutes=5),
            description="How long others may keep the key set. A new key waits for twice as long before it signs.",
        ),
    ] = timedelta(minutes=5)
    key_reload: Annotated[
        Span,
        Field(
            ge=timedelta(seconds=1),
            le=timedelta(minutes=5),
            description="How often a process reads the signing keys anew. Longest until it follows a change, on its own.",
        ),
    ] = timedelta(seconds=30)
    refresh_token_in_query: Annotated[
        bool, Field(description="Serve tutorial clients that send the refresh token in the query string.")
    ] = False
    argon2_memory: Annotated[int, Field(ge=8, le=262144, description="Memory of one password hash, in KiB.")] = 19456
    argon2_time: Annotated[int, Field(ge=1, le=16, description="Passes of one password hash.")] = 2
    argon2_parallelism: Annotated[int, Field(ge=1, le=4, description="Lanes of one password hash.")] = 1
    database_pool_size: Annotated[int, Field(ge=1, le=200, description="Connections that each process may hold.")] = 10
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="The least that is logged: debug, info, warning or error."),
    ] = "info"
    docs: Annotated[bool, Field(description="Serve /docs and /openapi.json.")] = True

    @field_validator("purge_every")
    @classmethod
    def _seldom(cls, value: timedelta) -> timedelta:
        if timedelta(0) < value < timedelta(seconds=1):
            raise ValueError("it is 0, or 1 second at least")
        return value

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if f"{parts.scheme}://{parts.netloc}" != origin or not parts.hostname or "*" in origin:
                raise ValueError("an origin is scheme://host or scheme://host:port, without a path and without '*'")
        return value

    @field_validator("breached_passwords_url")
    @classmethod
    def _plain(cls, value: str) -> str:
        parts = urlsplit(value)
        is_plain = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and value.isascii()
        if value and (not is_plain or {"?", "#", "@", " "} & set(value)):
            raise ValueError("it is an address as https://host/path/, to which digits are added")
        return value

    @classmethod
    def read(cls) -> Self:
        """From the environment, then `.env`, then the defaults. Raises `UnsafeSettings`."""
        settings = cls.read_unjudged()
        settings.require_safe()
        return settings

    @classmethod
    def read_unjudged(cls) -> Self:
        """As `read`, but unsafe values pass. Raises `UnsafeSettings` for what is no value at all."""
        try:
            settings = cls(_env_file=".env")
        except ValidationError as error:
            raise UnsafeSettings("\n".join(_line(dict(problem)) for problem in error.errors())) from None
        return settings.with_defaults()

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def with_defaults(self) -> Self:
        """What follows from the rest; in development also what production asks the operator for."""
        filled: dict[str, object] = {}
        if self.env == "development":
            filled["database_url"] = SecretStr(self.database_url.get_secret_value() or "sqlite:///var/portunus.db")
            filled["issuer"] = self.issuer or self.address
            if not self.secret_key.get_secret_value() and self.secret_key_file is None:
                filled["secret_key_file"] = Path("var/secret")
        settings = self.model_copy(update=filled)
        return settings.model_copy(update={"audience": settings.audience or settings.issuer})

    def require_safe(self) -> None:
        """Refuse what must not run. Raises `UnsafeSettings` with what to do about each thing."""
        if reasons := self.reasons_not_to_start():
            raise UnsafeSettings("\n".join(reasons))

    def reasons_not_to_start(self) -> list[str]:
        """A line for each, which says what to do about it."""
        reasons = list(self._unsafe_anywhere())
        return reasons + self._unsafe_in_production() if self.env == "production" else reasons

    @property
    def hashing_is_below_the_floor(self) -> bool:
        """OWASP's: 19 MiB and two passes, or as much work with more memory."""
        return self.argon2_memory < 19456 or self.argon2_memory * self.argon2_time < 2 * 19456

    def _unsafe_anywhere(self) -> list[str]:
        reasons = []
        if self.env == "development" and not is_loopback(self.host):
            reasons.append("Development mode listens on loopback only: use HOST=127.0.0.1, or set PORTUNUS_ENV=production.")
        if self.secret_key.get_secret_value() and self.secret_key_file:
            reasons.append("Set PORTUNUS_SECRET_KEY or PORTUNUS_SECRET_KEY_FILE, not both.")
        if self.breached_passwords_file and self.breached_passwords_url:
            reasons.append("Set PORTUNUS_BREACHED_PASSWORDS_FILE or PORTUNUS_BREACHED_PASSWORDS_URL, not both.")
        if self.access_token_lifetime > self.session_idle_lifetime:
            reasons.append("PORTUNUS_ACCESS_TOKEN_LIFETIME must not exceed PORTUNUS_SESSION_IDLE_LIFETIME.")
        return reasons

    def _unsafe_in_production(self) -> list[str]:
        reasons = []
        if not self.secret_key.get_secret_value() and self.secret_key_file is None:
            reasons.append(f"Set PORTUNUS_SECRET_KEY. Make one with: {NEW_SECRET}")
        if not self.database_url.get_secret_value():
            reasons.append(
                "Set PORTUNUS_DATABASE_URL, such as postgresql://portunus@db/portunus or sqlite:////data/portunus.db."
            )
        if self.database_url.get_secret_value().startswith("memory:"):
            reasons.append("PORTUNUS_DATABASE_URL=memory:// forgets every account at the stop: development only.")
        if _has_default_password(self.database_url.get_secret_value()):
            reasons.append("The password in PORTUNUS_DATABASE_URL is one that everybody tries first: give the role another.")
        if not self.issuer.startswith("https://") or not urlsplit(self.issuer).hostname:
            reasons.append("Set PORTUNUS_ISSUER to the https:// address that clients reach Portunus at.")
        if urlsplit(self.breached_passwords_url).scheme == "http":
            reasons.append("PORTUNUS_BREACHED_PASSWORDS_URL is not encrypted: others could read what is asked. Use https://.")
        if any(map(is_almost_everybody, whole_of(self.trusted_proxies))):
            reasons.append("PORTUNUS_TRUSTED_PROXIES trusts everybody to say who they are: name the proxies' own networks.")
        if self.throttle == "off":
            reasons.append("PORTUNUS_THROTTLE=off lets everybody guess passwords without end: unset it.")
        if self.hashing_is_below_the_floor:
            reasons.append("PORTUNUS_ARGON2_MEMORY and PORTUNUS_ARGON2_TIME are below OWASP's floor (19456 KiB, 2 passes).")
        return reasons


def _line(problem: dict[str, object]) -> str:
    location = problem["loc"]
    name = str(location[0]).upper() if isinstance(location, tuple) and location else ""
    return f"PORTUNUS_{name}: {str(problem['msg']).removeprefix('Value error, ')}."


def _has_default_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False  # no URL at all, and refused as such
    password = unquote(parts.password or "").lower()
    return bool(password) and password in {*_DEFAULT_PASSWORDS, (parts.username or "").lower(), parts.path.strip("/").lower()}


def whole_of(networks: Sequence[Network]) -> Iterator[Network]:
    """The same in as few as possible: two halves are the whole."""
    yield from ipaddress.collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    yield from ipaddress.collapse_addresses(network for network in networks if isinstance(network, IPv6Network))


def is_almost_everybody(network: Network) -> bool:
    """More than anybody has; of IPv6 one may have fc00::/7, as everybody does."""
    fewest_bits = 8 if isinstance(network, IPv4Network) else 16
    return network.prefixlen < fewest_bits and not (isinstance(network, IPv6Network) and network.is_private)


def is_loopback(host: str) -> bool:
    """Of an address or `localhost`; other names are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
