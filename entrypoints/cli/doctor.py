"""portunus doctor, portunus config."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.run import run
from entrypoints.configuration import DOTENV, secret_in_dotenv, shown, unknown_variables
from entrypoints.diagnosis import Finding, of_file, of_hashing, of_settings, of_storage, of_unknown_variables
from entrypoints.settings import Settings, UnsafeSettings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def doctor(as_json: AsJson = False) -> None:
    """Say what is unsafe or missing, and what to do about it.

    Looks at the settings, the secret, files that hold secrets, the database, its schema, the signing keys and the clocks, and
    changes nothing. Exits with 1 if anything is unsafe or missing, with 0 if there are only warnings.

    With --json: {"ok": true or false, "findings": [{"severity", "check", "says"}]}, where severity is unsafe, missing,
    warning or ok.
    """
    findings = list(_findings())
    ok = not any(finding.is_to_be_mended for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": ok, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.severity:<9}{finding.check:<11}{finding.says}")
    if not ok:
        raise typer.Exit(1)


def config(as_json: AsJson = False) -> None:
    """Print the settings in effect, and where each comes from. Secrets are masked.

    The environment comes before the file .env, and that before the defaults. With --json:
    {"PORTUNUS_…": {"value": …, "source": …}}.
    """
    printed = shown(Settings.read_unjudged())
    if as_json:
        typer.echo(json.dumps({one.variable: {"value": one.value, "source": one.source} for one in printed}, indent=2))
        return
    names, values = (
        max(len(text) for text in column) for column in zip(*((s.variable, s.value) for s in printed), strict=True)
    )
    for one in printed:
        typer.echo(f"{one.variable:<{names}}  {one.value or '-':<{min(values, 60)}}  {one.source}")


def _findings() -> Iterator[Finding]:
    yield from of_unknown_variables(unknown_variables())
    if DOTENV.exists() and secret_in_dotenv():
        yield from of_file(DOTENV, DOTENV.stat().st_mode, holds="a secret")
    try:
        settings = Settings.read_unjudged()
    except UnsafeSettings as reasons:
        yield from (Finding("unsafe", "settings", reason) for reason in str(reasons).splitlines())
        return
    yield from of_settings(settings)
    yield from _wired(settings)


def _wired(settings: Settings) -> Iterator[Finding]:
    """What shows only when everything is wired: whether the secret is one, and what is in the database."""
    from application.upkeep.inspect_storage import InspectStorage  # noqa: PLC0415 - half a second of imports
    from application.upkeep.measure_hashing import MeasureHashing  # noqa: PLC0415
    from entrypoints.container.root import require_breaches, require_secret  # noqa: PLC0415

    path, url = settings.secret_key_file, settings.database_url.get_secret_value()
    if not url or not (path or settings.secret_key.get_secret_value()):
        return  # said already
    if settings.env == "development" and path and not path.exists():
        yield Finding("ok", "secret", f"There is none yet. The first start makes one, in {path}.")
        return
    try:
        require_secret(settings)
    except UnsafeSettings as reason:
        yield Finding("unsafe", "secret", str(reason))
        return
    yield Finding("ok", "secret", "It is 32 bytes or more, looks random, and stands in no tutorial that is known here.")
    try:
        require_breaches(settings)
    except UnsafeSettings as reason:
        yield Finding("unsafe", "passwords", str(reason))
        return
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        if not file.exists():
            yield Finding("missing", "database", "The file does not exist yet. Run: portunus migrate")
            return
        yield from of_file(file, file.stat().st_mode, holds="the password hashes")
    try:
        yield of_hashing(run(settings, lambda use: use[MeasureHashing]()))
        yield from of_storage(run(settings, lambda use: use[InspectStorage]()))
    except UnsafeSettings as reason:
        yield Finding("unsafe", "database", str(reason))
