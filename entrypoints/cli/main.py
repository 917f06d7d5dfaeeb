"""portunus: what was typed, and how it ends. 0 done, 1 refused or not possible now, 2 typed wrongly."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer import Abort, TyperException

from domain.errors import Refusal
from entrypoints.cli.audit import audit
from entrypoints.cli.clients import clients
from entrypoints.cli.doctor import config, doctor
from entrypoints.cli.hashing import hashing
from entrypoints.cli.keys import keys
from entrypoints.cli.migrate import migrate
from entrypoints.cli.passwords import passwords
from entrypoints.cli.purge import purge
from entrypoints.cli.serve import serve
from entrypoints.cli.users import users
from entrypoints.logs import configure_logs
from entrypoints.settings import UnsafeSettings

app = typer.Typer(
    name="portunus",
    help=(
        "A self-hosted authentication service. Settings are PORTUNUS_* variables, or lines of .env: see .env.example.\n\n"
        "To begin: portunus doctor says what is missing. Completion for bash, zsh, fish and PowerShell:"
        " portunus --install-completion."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local variables, and those hold secrets
    rich_markup_mode=None,
)
app.command()(serve)
app.command()(migrate)
app.command()(purge)
app.command()(doctor)
app.command()(config)
app.add_typer(users, name="users")
app.add_typer(passwords, name="passwords")
app.add_typer(hashing, name="hash")
app.add_typer(clients, name="clients")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="A file to write to, instead of standard output.")] = None,
) -> None:
    """Print the OpenAPI description of the HTTP API."""
    from entrypoints.http.app import create_app  # noqa: PLC0415 - half a second of imports

    text = json.dumps(create_app({}).openapi(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"portunus {version('portunus')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Each error is one line for each reason, and an exit code; a traceback is a bug."""
    configure_logs("error")  # `serve` says more; of the rest the one line is enough
    try:
        code = app(standalone_mode=False)
    except TyperException as error:
        _fail(error.format_message(), code=error.exit_code)
    except Abort:
        _fail("Stopped.", code=130)
    except (Refusal, UnsafeSettings) as error:
        _fail(str(error), code=1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), code=1)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(reasons: str, *, code: int) -> None:
    for reason in reasons.splitlines():
        typer.echo(f"portunus: {reason}", err=True)
    sys.exit(code)
