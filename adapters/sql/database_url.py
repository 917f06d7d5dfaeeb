"""Database URLs as operators write them, for SQLAlchemy and its drivers."""

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DEFAULT_PORT = "5432"
# libpq knows more of them, for readers. Portunus writes.
_SESSION_ATTRIBUTES = ("any", "read-write", "primary")
_POOLERS = ("transaction",)
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_PARAMETERS = ("host", "port", "sslmode", "ssl", "sslrootcert", "target_session_attrs", "pooler")


class UnusableDatabaseUrl(ValueError):
    """Why a database URL cannot be used, without the password in it."""


def parse_database_url(text: str) -> URL:
    """`sqlite:///path` or `postgresql://…`, as operators write them; the driver is ours to add.

    PostgreSQL may have several hosts, in libpq's forms (its manual, 32.1.1.2 and 32.1.1.3): `h1:p1,h2:p2` before the name, or
    `host=h1,h2` and `port=p1,p2` behind it; one port holds for all. Of several, one that takes writes is meant, unless
    `target_session_attrs` says otherwise. `pooler=transaction` says that a pooler is there which gives a connection to the
    server for a transaction at a time, as PgBouncer does: nothing may be left behind on one.
    """
    scheme = text.partition(":")[0]
    if scheme in {"postgresql", "postgres"}:
        return _postgresql(text)
    try:
        url = make_url(text)
    except ArgumentError:
        raise UnusableDatabaseUrl("It is not a URL. Write sqlite:///path or postgresql://user@host/name.") from None
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+aiosqlite")
    raise UnusableDatabaseUrl("Write memory://, sqlite:///path or postgresql://user@host/name.")


def _postgresql(text: str) -> URL:
    try:
        parts = urlsplit(text)
        parameters = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise UnusableDatabaseUrl("It is not a URL. Write postgresql://user@host/name.") from None
    credentials, _, authority = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    query = _without_repeats(parameters)
    hosts = _hosts(authority, query.pop("host", ""), query.pop("port", ""))
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")  # libpq's name, asyncpg's name
    if query.get("ssl", _SSL_MODES[0]) not in _SSL_MODES:
        raise UnusableDatabaseUrl(f"sslmode must be one of {', '.join(_SSL_MODES)}.")
    attributes = query.setdefault("target_session_attrs", "read-write") if len(hosts) > 1 else query.get("target_session_attrs")
    if attributes and attributes not in _SESSION_ATTRIBUTES:
        raise UnusableDatabaseUrl(f"target_session_attrs must be one of {', '.join(_SESSION_ATTRIBUTES)}: Portunus writes.")
    if query.get("pooler", _POOLERS[0]) not in _POOLERS:
        raise UnusableDatabaseUrl("pooler must be transaction, which does for one in session mode, too.")
    if hosts:
        query["host"] = ",".join(host for host, _ in hosts)
        query["port"] = ",".join(port for _, port in hosts)
    return URL.create(
        "postgresql+asyncpg",
        username=unquote(user) or None,
        password=unquote(password) or None,
        database=unquote(parts.path.removeprefix("/")) or None,
        query=query,
    )


def _without_repeats(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """`host=h1&host=h2`, which SQLAlchemy knows, is `host=h1,h2`; nothing else may be said twice."""
    query: dict[str, str] = {}
    for name, value in parameters:
        if name not in _PARAMETERS:
            # Not its name: behind a "?" that was not escaped that is a part of the password.
            raise UnusableDatabaseUrl(f"It has a parameter other than {', '.join(_PARAMETERS)}. In a password, write ? as %3F.")
        if name in query and name not in {"host", "port"}:
            raise UnusableDatabaseUrl(f"It says {name} twice.")
        query[name] = f"{query[name]},{value}" if name in query else value
    return query


def _hosts(authority: str, named: str, ports: str) -> list[tuple[str, str]]:
    if authority and named:
        raise UnusableDatabaseUrl("It names hosts twice: before the name of the database, and as host=.")
    hosts = [_host_and_port(part) for part in (authority or named).split(",")] if authority or named else []
    given = ports.split(",") if ports else []
    if given and any(port for _, port in hosts):
        raise UnusableDatabaseUrl("It names ports twice: with the hosts, and as port=.")
    if len(given) not in {0, 1, len(hosts)}:
        raise UnusableDatabaseUrl(f"It has {len(hosts)} hosts and {len(given)} ports: give one port for all, or one for each.")
    given = given * len(hosts) if len(given) == 1 else given
    hosts = [(host, port) for (host, _), port in zip(hosts, given, strict=True)] if given else hosts
    return list(_checked(hosts))


def _checked(hosts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for host, port in hosts:
        if not host:
            raise UnusableDatabaseUrl("It has a host without a name.")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise UnusableDatabaseUrl("It has a port that is none.")
        yield host, port or _DEFAULT_PORT


def _host_and_port(text: str) -> tuple[str, str]:
    """Of `name`, `name:5432`, `[::1]`, `[::1]:5432`, and `/the/folder/of/a/socket`."""
    text = unquote(text)
    if text.startswith("/"):
        return text, ""
    if text.startswith("["):
        host, _, port = text.removeprefix("[").partition("]")
        return host, port.removeprefix(":")
    if text.count(":") > 1:
        raise UnusableDatabaseUrl("It has an IPv6 address without brackets: write [::1].")
    host, _, port = text.partition(":")
    return host, port
