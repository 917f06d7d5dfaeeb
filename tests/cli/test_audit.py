import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_cli import SQLITE
from tests.examples import PASSWORD
from tests.shell import Program, Shell


@pytest.fixture
def shell(program: Program, tmp_path: Path) -> Shell:
    made = Shell(program, tmp_path)
    assert made("migrate", **SQLITE).returncode == 0
    email = "johndoe@example.com"
    assert made("users", "create", "johndoe", "--email", email, typed=PASSWORD + "\n", **SQLITE).returncode == 0
    assert made("users", "disable", "johndoe", **SQLITE).returncode == 0
    return made


def test_entries_are_listed_by_user_and_action_in_words_and_as_json(shell: Shell) -> None:
    listed = json.loads(shell("audit", "list", "--user", "johndoe", "--json", **SQLITE).stdout)["entries"]
    only = shell("audit", "list", "--action", "user_disable", "--since", "2020-01-01", **SQLITE).stdout.splitlines()
    nothing = shell("audit", "list", "--since", "2100-01-01", **SQLITE)

    assert [(one["action"], one["by"], one["outcome"]) for one in listed] == [
        ("user_disable", "operator", "done"),
        ("sign_up", "operator", "done"),
    ]
    assert len(only) == 1
    assert "user_disable done by operator" in only[0]
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_filters_may_all_be_given_at_once(shell: Shell) -> None:
    every = ("--user", "JohnDoe", "--action", "sign_up", "--outcome", "done", "--since", "2020-01-01T00:00:00Z")

    found = shell("audit", "list", *every, "--before", str(2**63 - 1), "--limit", "1000", "--json", **SQLITE)

    assert [one["action"] for one in json.loads(found.stdout)["entries"]] == ["sign_up"]


def test_a_page_says_where_the_next_one_begins(shell: Shell) -> None:
    first = shell("audit", "list", "--limit", "1", "--json", **SQLITE)
    newest = json.loads(first.stdout)["entries"][0]["id"]

    second = shell("audit", "list", "--limit", "1", "--before", str(newest), "--json", **SQLITE)

    assert json.loads(second.stdout)["entries"][0]["action"] == "sign_up"


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--action", "nonsense"),
        ("list", "--action", ""),
        ("list", "--outcome", "DONE"),
        ("list", "--since", "yesterday"),
        ("list", "--since", "2026-13-01"),
        ("list", "--since", ""),
        ("list", "--before", "0"),
        ("list", "--before", "-1"),
        ("list", "--before", str(2**63)),
        ("list", "--before", "x"),
        ("list", "--limit", "0"),
        ("list", "--limit", "1001"),
        ("verify", "--head", "x"),
        ("verify", "--head", ""),
        ("verify", "--head", f"-1:{'00' * 32}"),
        ("verify", "--head", f"0:{'00' * 32}"),
        ("verify", "--head", f"1:{'00' * 31}"),
        ("verify", "--head", "1:-"),
        ("prune",),
    ],
)
def test_what_is_typed_wrongly_is_said_in_a_line(shell: Shell, arguments: tuple[str, ...]) -> None:
    found = shell("audit", *arguments, **SQLITE)

    assert found.returncode == 2
    assert "Traceback" not in found.stderr


def test_the_trail_of_nobody_is_refused(shell: Shell) -> None:
    assert shell("audit", "list", "--user", "nobody", **SQLITE).returncode == 1
    assert shell("audit", "erase", "nobody", **SQLITE).returncode == 1
    assert shell("audit", "list", "--user", "", **SQLITE).returncode == 1  # an unset variable of a script, not everybody


def test_what_nobody_here_wrote_is_listed_and_says_nothing_to_the_terminal(shell: Shell, tmp_path: Path) -> None:
    values = (1, "2026-01-01 00:00:00", "\x1b[2Jof_a_later_release", "perhaps", "somebody", "\x1b]0;title\x07", 1)
    with closing(sqlite3.connect(tmp_path / "portunus.db")) as database, database:
        database.execute(
            "INSERT INTO audit_entries (xid, at, action, outcome, agent, target, times) VALUES (?, ?, ?, ?, ?, ?, ?)", values
        )
        database.execute("INSERT INTO audit_details (entry_id, salt, detail) SELECT max(id), x'00', '[' FROM audit_entries")

    in_words, as_json = shell("audit", "list", **SQLITE), shell("audit", "list", "--json", **SQLITE)

    assert (in_words.returncode, as_json.returncode) == (0, 0)
    assert "of_a_later_release perhaps by somebody" in in_words.stdout
    assert "\x1b" not in in_words.stdout + as_json.stdout
    assert json.loads(as_json.stdout)["entries"][0]["action"] == "\x1b[2Jof_a_later_release"


def test_a_record_that_nobody_sealed_yet_is_whole_and_says_so(shell: Shell) -> None:
    found = json.loads(shell("audit", "verify", "--json", **SQLITE).stdout)

    assert (found["ok"], found["entries"], found["unsealed"]) == (True, 0, 2)


def test_a_head_that_is_not_in_the_chain_fails_the_proof(shell: Shell) -> None:
    found = shell("audit", "verify", "--head", f"7:{'00' * 32}", **SQLITE)

    assert found.returncode == 1
    assert "head_missing" in found.stdout


def test_erasing_and_pruning_say_how_much_they_removed(shell: Shell) -> None:
    assert shell("audit", "erase", "johndoe", **SQLITE).stdout == "Erased the details of 0 entries.\n"
    assert shell("audit", "prune", "--before", "2100-01-01", **SQLITE).stdout == "Removed 0 entries.\n"
