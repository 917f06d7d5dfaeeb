"""portunus migrate."""

import asyncio
from typing import Annotated

import typer

from entrypoints.development import make_secret_if_missing
from entrypoints.settings import Settings, UnsafeSettings


def migrate(quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing if there is nothing to do.")] = False) -> None:
    """Bring the database to the schema that this version needs.

    Safe to run at every start, also by several processes at once: they take turns.
    """
    from adapters.sql.database_url import UnusableDatabaseUrl  # noqa: PLC0415 - half a second of imports
    from adapters.sql.migrate import upgrade  # noqa: PLC0415

    settings = Settings.read()
    url = settings.database_url.get_secret_value()
    if said := make_secret_if_missing(settings):
        typer.echo(said)
    if url == "memory://":
        if not quiet:
            typer.echo("memory:// has no schema: nothing to do.")
        return
    try:
        before, after = asyncio.run(upgrade(url))
    except UnusableDatabaseUrl as error:
        raise UnsafeSettings(f"PORTUNUS_DATABASE_URL cannot be used. {error}") from None
    if before != after:
        typer.echo(f"Migrated the database from {before or 'nothing'} to {after}.")
    elif not quiet:
        typer.echo(f"The database is at {after}: nothing to do.")
