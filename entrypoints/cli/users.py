"""portunus users."""

import json
import sys
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from application.accounts.import_user import ImportUser
from application.accounts.register_user import RegisterUser
from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from application.directory.get_user import GetUser
from application.directory.list_users import ListUsers
from application.directory.unlock_user import UnlockUser
from domain.password import PasswordHash, PlainPassword
from domain.user import User, UserId
from domain.username import Username
from entrypoints.cli.password import choose_password
from entrypoints.cli.run import run
from entrypoints.email import parse_email
from entrypoints.settings import Settings, UnsafeSettings

users = typer.Typer(help="Create, show, list, disable and enable users.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="USERNAME", help="The user's name, in any letter case.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@users.command()
def create(
    username: Name,
    email: Annotated[str, typer.Option(help="The user's e-mail address.")],
    password_hash: Annotated[
        str | None,
        typer.Option(
            help="Instead of a password: its hash from another system (argon2, bcrypt, scrypt, PBKDF2, sha-crypt, phpass, or as"
            " Django stores it); '-' reads it from stdin."
        ),
    ] = None,
) -> None:
    """Open an account.

    Asks for the password, or reads it from standard input where that is no terminal:
    echo "$PASSWORD" | portunus users create johndoe --email johndoe@example.com
    """
    settings = _settings()
    name, address = Username.parse(username), parse_email(email)
    if password_hash is None:
        password = PlainPassword.parse(choose_password())
        user = run(settings, lambda use: use[RegisterUser](username=name, email=address, password=password))
    else:
        text = sys.stdin.readline().rstrip("\r\n") if password_hash == "-" else password_hash
        known = PasswordHash(text)
        user = run(settings, lambda use: use[ImportUser](username=name, email=address, password_hash=known))
    typer.echo(f"Created {user.username.shown} ({user.id}).")


@users.command()
def show(username: Name, as_json: AsJson = False) -> None:
    """Show an account."""
    user = run(_settings(), lambda use: use[GetUser](username=Username.parse(username)))
    fields = _fields(user)
    if as_json:
        typer.echo(json.dumps(fields, indent=2))
        return
    for name, value in fields.items():
        typer.echo(f"{name.replace('_', ' '):<18}{'-' if value is None else value}")


@users.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to a page.")] = 50,
    after: Annotated[UUID | None, typer.Option(metavar="ID", help="Go on after this user: the `next` of a page.")] = None,
    as_json: AsJson = False,
) -> None:
    """List accounts in the order in which they were registered, a page at a time.

    With --json the page is {"users": [...], "next": ID or null}.
    """
    page = run(_settings(), lambda use: use[ListUsers](limit=limit, after=UserId(after) if after else None))
    if as_json:
        typer.echo(
            json.dumps({"users": [_fields(user) for user in page.users], "next": page.next and str(page.next)}, indent=2)
        )
        return
    width = max((len(user.username.shown) for user in page.users), default=0)
    for user in page.users:
        state = "disabled" if user.disabled_at else "active"
        typer.echo(f"{user.username.shown:<{width}}  {user.id}  {user.registered_at:%Y-%m-%d}  {state:<8}  {user.email.text}")
    if page.next:
        typer.echo(f"More: portunus users list --limit {limit} --after {page.next}", err=True)


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


@users.command()
def unlock(username: Name) -> None:
    """Let a user's password be tried again, after too many wrong ones."""
    user = run(_settings(), lambda use: use[UnlockUser](username=Username.parse(username)))
    typer.echo(f"Unlocked {user.username.shown}: the wrong passwords that were tried are forgotten.")


def _fields(user: User) -> dict[str, str | None]:
    """What operators may see: never the hash."""
    return {
        "id": str(user.id),
        "username": user.username.shown,
        "email": user.email.text,
        "email_verified_at": _written(user.email_verified_at),
        "registered_at": _written(user.registered_at),
        "disabled_at": _written(user.disabled_at),
    }


def _written(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def _settings() -> Settings:
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in the server's process: users are created there by POST /signup only.")
    return settings
