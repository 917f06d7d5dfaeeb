"""portunus clients."""

import json
from typing import Annotated

import typer

from application.clients.add_client import AddClient
from application.clients.list_clients import ListClients
from application.clients.remove_client import RemoveClient
from domain.client import ClientId
from entrypoints.cli.run import run
from entrypoints.settings import Settings, UnsafeSettings

clients = typer.Typer(
    help="Register, list and remove clients: programs that may ask about tokens (POST /introspect) and revoke (POST /revoke).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client's name: ASCII letters, digits, '.', '_', '-'.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@clients.command()
def add(client_id: Name, as_json: AsJson = False) -> None:
    """Register a client and print its secret, which is not shown again.

    The client sends both by HTTP Basic, or as client_id and client_secret in the form.
    """
    secret = run(_settings(), lambda use: use[AddClient](id=ClientId(client_id)))
    if as_json:
        typer.echo(json.dumps({"client_id": client_id, "client_secret": secret.text}, indent=2))
        return
    typer.echo(f"client_id      {client_id}\nclient_secret  {secret.text}")
    typer.echo("Keep the secret now: only a digest of it is stored.", err=True)


@clients.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the clients. Their secrets are not stored."""
    found = run(_settings(), lambda use: use[ListClients]())
    rows = [{"client_id": one.id.text, "registered_at": one.registered_at.isoformat(timespec="seconds")} for one in found]
    if as_json:
        typer.echo(json.dumps({"clients": rows}, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['client_id']}  registered {row['registered_at']}")


@clients.command()
def remove(client_id: Name) -> None:
    """Remove a client. Its secret is worth nothing from the next request on."""
    run(_settings(), lambda use: use[RemoveClient](id=ClientId(client_id)))
    typer.echo(f"Removed {client_id}.")


def _settings() -> Settings:
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in the server's process: there are no clients there.")
    return settings
