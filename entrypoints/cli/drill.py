"""portunus keys drill."""

import json
from typing import Annotated
from urllib.parse import urlsplit

import typer

from domain.errors import Refusal
from entrypoints.cli.password import read_password
from entrypoints.cli.run import run
from entrypoints.settings import Settings, UnsafeSettings, is_loopback


def drill(
    url: Annotated[list[str], typer.Option(help="The server's address. Several times: each is watched.")],
    username: Annotated[str, typer.Option(help="Who logs in: a user kept for drills.")],
    every: Annotated[float, typer.Option(min=0.05, max=60, help="Seconds between two rounds of requests.")] = 1,
    watch: Annotated[
        bool, typer.Option("--watch", help="Rotate nothing: watch a rotation that comes by itself. Needs no database.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, for scripts.")] = False,
) -> None:
    """Rotate the signing keys of a running server, and see that no good token is refused.

    A user refreshes, and presents every token until it expires: to the server, and to services that verify offline, with each
    key set that they may still be using. Asks for the password, or reads it from standard input where that is no terminal:
    echo "$PASSWORD" | portunus keys drill --url https://id.example.com --username drill

    Says first how long it takes: at least until the last token of the older key has expired. Ctrl-C does no harm: a rotation
    that has begun completes by itself. Exits with 1 unless the rotation was seen to its end without a wrong 401.
    """
    from entrypoints.drill import Drill  # noqa: PLC0415 - a twentieth of a second of imports
    from entrypoints.witness import LoginRefused, Witness  # noqa: PLC0415

    for each in url:
        require_safe_address(each)
    settings = None if watch else _settings()
    password = read_password()
    held = Drill(Witness(url), every, say=lambda line: typer.echo(line, err=True))
    stopped = False
    try:
        held.stops = held.witness.log_in(username, password)
        if settings:
            held.rotate(lambda use_case: run(settings, lambda use: use[use_case]()), reload=settings.key_reload)
        else:
            held.watch()
    except LoginRefused as reason:
        raise UnsafeSettings(str(reason)) from None
    except Refusal as reason:
        held.lacking.append(str(reason))
    except KeyboardInterrupt:
        stopped = True
        held.lacking.append("It was stopped before its end.")
    finally:
        held.witness.log_out()
    typer.echo(json.dumps(held.report(), indent=2) if as_json else "\n".join(held.lines()))
    if not held.ok:
        raise typer.Exit(130 if stopped else 1)


def _settings() -> Settings:
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings(
            "memory:// lives in the server's process, and so do its keys: they can only be watched, by --watch."
        )
    return settings


def require_safe_address(url: str) -> None:
    """The password goes there. Raises `UnsafeSettings`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query or port == 0:
        raise UnsafeSettings(f"{url} is no address of a server, such as https://id.example.com.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UnsafeSettings(f"{url} would send the password unencrypted. Use https, or drill on the server's own machine.")
