"""portunus keys."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from application.keys.compromise_signing_key import CompromiseSigningKey
from application.keys.import_signing_key import ImportSigningKey
from application.keys.list_signing_keys import ListSigningKeys
from application.keys.reseal_signing_keys import ResealSigningKeys
from application.keys.retire_signing_keys import RetireSigningKeys
from application.keys.rotate_signing_key import RotateSigningKey
from domain.key_ring import StoredKeyRing
from domain.signing_key import KeyState, SigningKey, UnusableSigningKey
from entrypoints.cli.drill import drill
from entrypoints.cli.run import run
from entrypoints.settings import Settings, UnsafeSettings

keys = typer.Typer(
    help="List, rotate, import and withdraw the keys that sign access tokens.", no_args_is_help=True, rich_markup_mode=None
)

keys.command()(drill)

_MOST_BYTES = 64 * 1024
_TIMES = ("created_at", "signs_from", "signs_until", "verifies_until", "disarmed_at", "compromised_at")


@keys.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False) -> None:
    """List the keys, oldest first, with where each is in its life."""
    ring = run(_settings(), lambda use: use[ListSigningKeys]())
    if as_json:
        typer.echo(json.dumps({"keys": [_fields(key, ring) for key in ring.keys]}, indent=2))
        return
    for key in ring.keys:
        typer.echo(f"{key.kid}  {key.algorithm}  {key.state(ring.as_of):<11}  {_story(key, ring)}")


@keys.command()
def rotate() -> None:
    """Let the next key sign. It waits until everybody who verifies has read it; mostly that was long ago."""
    key = run(_settings(), lambda use: use[RotateSigningKey]())
    typer.echo(f"{key.kid} signs from {_shown(key.signs_from)}.")


@keys.command()
def retire() -> None:
    """Delete the private halves of keys that have stopped signing. The server does so too."""
    count = run(_settings(), lambda use: use[RetireSigningKeys]())
    typer.echo(f"Deleted the private halves of {count} keys.")


@keys.command(context_settings={"ignore_unknown_options": True})  # one kid of 64 begins with a hyphen
def compromise(kid: Annotated[str, typer.Argument(help="The key's kid, as `portunus keys list` shows it.")]) -> None:
    """Refuse every token of a key from now on, and delete the key. Clients refresh once."""
    ring = run(_settings(), lambda use: use[CompromiseSigningKey](kid=kid))
    signing = ring.active
    typer.echo(f"{kid} is withdrawn." + (f" {signing.kid} signs." if signing else ""))


@keys.command("import")
def import_(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A private key in PEM that only you can read.")],
) -> None:
    """Let a key of your own be the next one. `portunus keys rotate` lets it sign."""
    pem = _read_private(path)
    key = run(_settings(), lambda use: use[ImportSigningKey](pem=pem))
    typer.echo(f"{key.kid} ({key.algorithm}) is announced. Next: portunus keys rotate")


@keys.command()
def reseal() -> None:
    """Seal every key under the newest value of PORTUNUS_SECRET_KEY. Broken off, it may be run again."""

    async def told(use: Mapping[type, Any]) -> bool:
        opened = True
        async for key in use[ResealSigningKeys]():
            opened = opened and key.opened
            said = "moved" if key.moved else "is there already" if key.opened else "opens under none of the values"
            typer.echo(f"{key.kid}  {said}")
        return opened

    if not run(_settings(), told):
        raise typer.Exit(1)
    typer.echo("Every key is sealed under the newest value.")


def _read_private(path: Path) -> bytes:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_mode & 0o077:
            raise UnusableSigningKey(f"Others can read {path}. Run: chmod 600 {path}")
        return file.read(_MOST_BYTES)


def _settings() -> Settings:
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in the server's process, and so do its keys.")
    return settings


def _fields(key: SigningKey, ring: StoredKeyRing) -> dict[str, str | None]:
    times: dict[str, datetime | None] = {name: getattr(key, name) for name in _TIMES}
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": str(key.state(ring.as_of)),
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def _story(key: SigningKey, ring: StoredKeyRing) -> str:
    match key.state(ring.as_of):
        case KeyState.ANNOUNCED if key.signs_from:
            return f"signs from {_shown(key.signs_from)}"
        case KeyState.ANNOUNCED:
            return f"since {_shown(key.created_at)}"
        case KeyState.ACTIVE:
            until = f" until {_shown(key.signs_until)}" if key.signs_until else ""
            return f"signs since {_shown(key.signs_from)}{until}"
        case KeyState.RETIRING:
            return f"verifies until {_shown(key.verifies_until)}"
        case KeyState.RETIRED:
            return f"since {_shown(key.verifies_until)}"
        case KeyState.COMPROMISED:
            return f"since {_shown(key.compromised_at)}"


def _shown(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%SZ}" if time else "-"
