"""Passwords that are typed, or piped in: never words of the command, which every user of the machine can read."""

import sys

import typer


def choose_password() -> str:
    """A new one: typed twice."""
    return _typed(confirmation_prompt=True)


def read_password() -> str:
    return _typed(confirmation_prompt=False)


def _typed(*, confirmation_prompt: bool) -> str:
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=confirmation_prompt)
        return typed
    return sys.stdin.readline().rstrip("\r\n")
