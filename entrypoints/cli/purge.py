"""portunus purge."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from application.upkeep.purge_expired import Purged, PurgeExpired
from entrypoints.cli.run import run
from entrypoints.schedule import with_pauses
from entrypoints.settings import Settings, UnsafeSettings


def purge(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False) -> None:
    """Remove what ended long ago.

    These are sessions that have been over, and signing keys that have been retired, for PORTUNUS_RETENTION, and revocations of
    tokens that have expired. Nothing that still works is touched: what is removed was refused before, and is refused alike
    afterwards.

    The server does so every PORTUNUS_PURGE_EVERY. With PORTUNUS_PURGE_EVERY=0 it does not: run this by cron instead. It goes by
    batches that hold no lock for long, so it may run while the server does, may be broken off, and may be run again. While
    another process is at it, it removes nothing and exits with 1.

    With --json: {"sessions": …, "revocations": …, "signing_keys": …}, how many of each were removed.
    """
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in the server's process, and so does what is in it.")
    removed = run(settings, _purge)
    typer.echo(json.dumps(asdict(removed)) if as_json else f"Removed {_told(removed)}.")


async def _purge(use: Mapping[type, Any]) -> Purged:
    removed = Purged()
    async for batch in with_pauses(use[PurgeExpired]()):
        removed += batch
        if sys.stderr.isatty():
            typer.echo(f"\rRemoved so far: {_told(removed)}", nl=False, err=True)
    if sys.stderr.isatty():
        typer.echo(err=True)
    return removed


def _told(removed: Purged) -> str:
    return f"{removed.sessions} sessions, {removed.revocations} revocations and {removed.signing_keys} signing keys"
