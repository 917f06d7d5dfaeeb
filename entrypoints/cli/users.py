"""portunus users."""

import sys
from typing import Annotated

import typer

from application.accounts.import_user import ImportUser
from application.accounts.register_user import RegisterUser
from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from domain.password import PasswordHash, PlainPassword
from domain.username import Username
from entrypoints.cli.run import run
from entrypoints.email import parse_email
from entrypoints.settings import Settings, UnsafeSettings

users = typer.Typer(help="Create, disable and enable users.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="USERNAME", help="The user's name, in any letter case.")]


@users.command()
def create(
    username: Name,
    email: Annotated[str, typer.Option(help="The user's e-mail address.")],
    password_hash: Annotated[
        str | None,
        typer.Option(help="Instead of a password: its argon2id or bcrypt hash from another system; '-' reads it from stdin."),
    ] = None,
) -> None:
    """Open an account.

    Asks for the password, or reads it from standard input where that is no terminal:
    echo "$PASSWORD" | portunus users create johndoe --email johndoe@example.com
    """
    settings = _settings()
    name, address = Username.parse(username), parse_email(email)
    if password_hash is None:
        password = PlainPassword.parse(_read_password())
        user = run(settings, lambda use: use[RegisterUser](username=name, email=address, password=password))
    else:
        text = sys.stdin.readline().rstrip("\r\n") if password_hash == "-" else password_hash
        known = PasswordHash(text)
        user = run(settings, lambda use: use[ImportUser](username=name, email=address, password_hash=known))
    typer.echo(f"Created {user.username.shown} ({user.id}).")


@users.command()
def disable(username: Name) -> None:
    """Bar a user from logging in, and end their sessions at once."""
    user = run(_settings(), lambda use: use[DisableUser](username=Username.parse(username)))
    typer.echo(f"Disabled {user.username.shown}; their sessions are over.")


@users.command()
def enable(username: Name) -> None:
    """Let a disabled user log in again. Sessions that were ended stay ended."""
    user = run(_settings(), lambda use: use[EnableUser](username=Username.parse(username)))
    typer.echo(f"Enabled {user.username.shown}.")


def _settings() -> Settings:
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in the server's process: users are created there by POST /signup only.")
    return settings


def _read_password() -> str:
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")
