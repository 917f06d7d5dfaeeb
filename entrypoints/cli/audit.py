"""portunus audit."""

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from application.audit.erase_details import EraseDetails
from application.audit.list_entries import ListEntries
from application.audit.prune_record import PruneRecord
from application.audit.verify_record import VerifyRecord
from domain.audit import Action, Outcome, Recorded
from domain.audit_proof import Verified
from domain.audit_seals import Anchor, Finding
from domain.username import Username
from entrypoints.cli.run import run
from entrypoints.settings import Settings, UnsafeSettings

audit = typer.Typer(
    help="Read the audit trail, prove that nothing was removed or altered, prune it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
_MOST_ID = 2**63 - 1
_HEAD = re.compile(r"([1-9][0-9]{0,18}):([0-9a-f]{64})")
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


@audit.command("list")
def list_(
    *,
    user: Annotated[str | None, typer.Option(metavar="USERNAME", help="Only about this user.")] = None,
    action: Annotated[Action | None, typer.Option(help="Only this action.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only what was done, or what was refused.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Only from this time on, in UTC.")] = None,
    before: Annotated[
        int | None, typer.Option(min=1, max=_MOST_ID, metavar="ID", help="Go on before this entry: the last of a page.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to a page.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List entries, the newest first, a page at a time."""
    found = run(
        _settings(),
        lambda use: use[ListEntries](
            limit=limit,
            username=None if user is None else Username.parse(user),
            action=action,
            outcome=outcome,
            since=_in_utc(since),
            before=before,
        ),
    )
    if as_json:
        typer.echo(json.dumps({"entries": [_fields(one) for one in found]}, indent=2))
        return
    for one in found:
        typer.echo(_line(one))
    if len(found) == limit:
        typer.echo(f"More: --before {found[-1].entry.id}", err=True)


@audit.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="SEAL:DIGEST", help="What an earlier run printed: that seal must still be there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that no sealed entry was removed, altered or moved. Exits with 1 if one was.

    Keep the head that it prints somewhere else, and give it to a later run: who removes the newest seals together with their
    entries leaves a shorter record that looks whole.
    """
    known = _parse_head(head)

    async def told(use: Mapping[type, Any]) -> Verified:
        last: Verified | None = None
        async for last in use[VerifyRecord](known=known):
            if not as_json and sys.stderr.isatty():
                typer.echo(f"\r{last.head.entries} entries under {last.head.ordinal} seals", nl=False, err=True)
        if last is None:
            raise LookupError("nothing was told")
        return last

    found = run(_settings(), told)
    ok = not found.findings
    printed = str(found.head)
    if as_json:
        findings = [{"flaw": one.flaw, "seal": one.seal, "entry": one.entry} for one in found.findings]
        counts = {"entries": found.head.entries, "seals": found.head.ordinal, "unsealed": found.unsealed}
        typer.echo(json.dumps({"ok": ok, **counts, "head": printed, "findings": findings}, indent=2))
    else:
        for one in found.findings:
            typer.echo(_found(one))
        typer.echo(f"{found.head.entries} entries, {found.head.ordinal} seals, {found.unsealed} not sealed yet.", err=True)
        typer.echo(f"{'Whole' if ok else 'NOT whole'}. Head: {printed}")
    if not ok:
        raise typer.Exit(1)


@audit.command()
def prune(
    before: Annotated[datetime, typer.Option(formats=_FORMATS, help="Remove what was sealed before this time, in UTC.")],
) -> None:
    """Remove old entries. A checkpoint stands for them, so that the rest can still be proved.

    On PostgreSQL it needs the role that owns the tables: the server's may not remove. Broken off, it may be run again.
    """

    async def told(use: Mapping[type, Any]) -> int:
        total = 0
        async for removed in use[PruneRecord](before=_in_utc(before)):
            total += removed
            if sys.stderr.isatty():
                typer.echo(f"\rRemoved {total} entries", nl=False, err=True)
        return total

    typer.echo(f"Removed {run(_settings(), told)} entries.")


@audit.command()
def erase(user: Annotated[str, typer.Argument(metavar="USERNAME", help="Whose details to erase.")]) -> None:
    """Erase addresses, programs and request ids from a user's entries. The entries stay, and can be proved.

    On PostgreSQL it needs the role that owns the tables.
    """
    count = run(_settings(), lambda use: use[EraseDetails](username=Username.parse(user)))
    typer.echo(f"Erased the details of {count} entries.")


def _settings() -> Settings:
    settings = Settings.read()
    if settings.database_url.get_secret_value() == "memory://":
        raise UnsafeSettings("memory:// lives in the server's process, and so does its audit trail.")
    return settings


def _in_utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None


def _parse_head(text: str | None) -> tuple[int, bytes] | None:
    if text is None:
        return None
    if text == str(Anchor()):
        return 0, b""
    shape = _HEAD.fullmatch(text)
    if shape is None:
        raise typer.BadParameter("SEAL:DIGEST, as an earlier run printed it")
    return int(shape[1]), bytes.fromhex(shape[2])


def _found(one: Finding) -> str:
    entry = f", entry {one.entry}" if one.entry is not None else ""
    return f"{one.flaw.value:<18}  seal {one.seal}{entry}"


def _fields(one: Recorded) -> dict[str, Any]:
    entry, origin = one.entry, one.detail.origin if one.detail else None
    return {
        "id": entry.id,
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "action": entry.action,
        "outcome": entry.outcome,
        "by": entry.by,
        "client": entry.client,
        "user_id": str(entry.user_id) if entry.user_id else None,
        "session_id": str(entry.session_id) if entry.session_id else None,
        "target": entry.target,
        "times": entry.times,
        "address": str(origin.address) if origin and origin.address else None,
        "user_agent": origin.user_agent if origin else None,
        "request_id": origin.request_id if origin else None,
    }


def _line(one: Recorded) -> str:
    """Without the program's name, which anybody can make up; and nothing that a terminal would obey, whoever wrote it."""
    fields = _fields(one)
    times = f" x{one.entry.times}" if one.entry.times != 1 else ""
    shown = [f"{name}={fields[name]}" for name in ("user_id", "client", "target", "address", "request_id") if fields[name]]
    said = (
        f"{one.entry.id}  {one.entry.at:%Y-%m-%d %H:%M:%SZ}  {fields['action']}{times} {fields['outcome']} by {fields['by']}  "
        + (" ".join(shown))
    )
    return said if said.isprintable() else ascii(said)
