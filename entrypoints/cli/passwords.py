"""portunus passwords."""

import json
import sys
from typing import Annotated

import typer

from application.passwords.judge_password import JudgePassword
from application.ports.breaches import Breach
from domain.errors import Refusal
from domain.password import PlainPassword
from entrypoints.cli.password import read_password
from entrypoints.cli.run import run
from entrypoints.settings import Settings

passwords = typer.Typer(help="Judge passwords as sign-up does.", no_args_is_help=True, rich_markup_mode=None)

_TAKEN = {
    Breach.FOUND: "",
    Breach.NOT_FOUND: "It would be taken, and is not known to have leaked.",
    Breach.NOT_ASKED: "It would be taken. Nobody could be asked whether it has leaked: nothing is set, or it gave no answer.",
}


@passwords.callback()
def options() -> None:
    pass  # so that `check` is a word of the command


@passwords.command()
def check(
    username: Annotated[str, typer.Option(help="Whose it would be: it is not to be made of the name.")] = "",
    email: Annotated[str, typer.Option(help="Their e-mail address, likewise.")] = "",
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, without asking.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Say whether a password would be taken for a new account, and if not, why. Exits with 1 if not.

    Asks for it, or reads it from standard input where that is no terminal. It is stored nowhere.

    With --json: {"taken": true or false, "code": …, "detail": …, "breach": "found", "not found" or "not asked"}; breach is null
    where the password is refused for something else.
    """
    settings = Settings.read()
    typed = sys.stdin.readline().rstrip("\r\n") if stdin else read_password()
    personal = tuple(name for name in (username, email.partition("@")[0]) if name)
    code, breach = None, None
    try:
        password = PlainPassword.parse(typed)
        breach = run(settings, lambda use: use[JudgePassword](password=password, personal=personal))
        detail = _TAKEN[breach]
    except Refusal as refusal:
        code, detail = refusal.code, refusal.detail
        breach = Breach.FOUND if code == "password_breached" else None
    if as_json:
        answer = {"taken": code is None, "code": code, "detail": detail, "breach": breach and breach.value}
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo(detail)
    if code:
        raise typer.Exit(1)
