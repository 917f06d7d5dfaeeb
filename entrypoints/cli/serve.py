"""portunus serve."""

import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import typer

from application.ports.tokens import NoSigningKey
from domain.errors import Unavailable
from entrypoints.cli.run import run
from entrypoints.configuration import masked_url
from entrypoints.development import make_secret_if_missing
from entrypoints.settings import Settings, UnsafeSettings

_APP = "entrypoints.http.factory:make_app"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [PORTUNUS_HOST, else 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on. [PORTUNUS_PORT, else 8000]")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port; not with memory://.")] = 1,
) -> None:
    """Serve the HTTP API.

    Starts without its database, and reports not ready at /health/ready until it is there.
    """
    from entrypoints.http.draining import serve_until_stopped  # noqa: PLC0415 - a fifth of a second of imports
    from entrypoints.logs import configure_logs  # noqa: PLC0415

    for name, value in (("PORTUNUS_HOST", host), ("PORTUNUS_PORT", port)):
        if value is not None:
            os.environ[name] = str(value)  # each worker process reads the settings anew
    settings = Settings.read()
    if workers > 1 and settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in one process: use --workers 1, or a database.")
    if said := make_secret_if_missing(settings):
        typer.echo(said)
    _require_usable(settings)
    configure_logs(settings.log_level)
    for line in _greeting(settings):
        typer.echo(line)
    # After a graceful stop uvicorn raises the signal anew, which by default would look like a crash.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _allow_many_connections()
    serve_until_stopped(server_config(_APP, settings, workers=workers))


def server_config(app: str, settings: Settings, *, workers: int) -> Any:
    """How a server process listens, and speaks HTTP; `app` names the function that makes what it serves."""
    import uvicorn  # noqa: PLC0415 - a fifth of a second of imports

    from entrypoints.http.draining import DrainingHttp  # noqa: PLC0415

    return uvicorn.Config(
        app,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        ws="none",
        # On httptools: h11 lets both Transfer-Encoding and Content-Length through to the application.
        http=partial(DrainingHttp, patience=settings.request_timeout),  # type: ignore[arg-type]  # uvicorn calls it, no more
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _allow_many_connections() -> None:
    """As many as the system lets us have; what a shell or systemd allows at first is a thousand, from days of `select`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # no limit at all is one that some systems refuse
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _require_usable(settings: Settings) -> None:
    """Wire once before serving, so that what is wrong with the settings is one line; a database that is away is no error."""

    async def prepare(use_cases: Mapping[type, Any]) -> None:
        from application.keys.prepare_signing_key import PrepareSigningKey  # noqa: PLC0415

        await use_cases[PrepareSigningKey]()

    try:
        run(settings, prepare)
    except NoSigningKey:
        raise UnsafeSettings(
            "The signing keys in the database do not open under this PORTUNUS_SECRET_KEY: use the one they were made with."
        ) from None
    except Unavailable as reason:
        typer.echo(f"Not ready yet: {reason}", err=True)


def _greeting(settings: Settings) -> list[str]:
    address = settings.address
    url = settings.database_url.get_secret_value()
    storage = "memory, which forgets at the stop" if url == "memory://" else masked_url(url)
    return [
        f"Portunus   {address}",
        f"Docs       {address}/docs" if settings.docs else "Docs       off (PORTUNUS_DOCS)",
        f"Storage    {storage}",
        "Mode       development: for this machine only. Production needs PORTUNUS_ENV=production and its own secret."
        if settings.env == "development"
        else "Mode       production",
    ]
