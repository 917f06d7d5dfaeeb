import asyncio
import json
import sqlite3
from pathlib import Path

import asyncpg
import pytest

from tests.cli.test_cli import DEAD, SQLITE
from tests.databases import Databases
from tests.shell import Program, Shell

OLD = "2020-01-01 00:00:00.000000"
NEW = "2126-01-01 00:00:00.000000"
USER, ENDED, IDLE, LIVES = (f"{digit}" * 32 for digit in "abcd")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Path:
    """With a session that ended long ago, one that idled out long ago, one that lives, and a revocation that expired."""
    made = tmp_path_factory.mktemp("purge")
    assert Shell(program, made)("migrate", **SQLITE).returncode == 0
    with sqlite3.connect(made / "portunus.db") as database:
        database.execute("INSERT INTO users VALUES (?, 'j', 'j', 'j@example.com', NULL, 'x', ?, NULL, 0)", (USER, OLD))
        database.executemany(
            "INSERT INTO sessions (id, user_id, generation, counter, secret_digest, created_at, rotated_at, access_until,"
            " ended_at) VALUES (?, ?, 0, 0, x'00', ?, ?, ?, ?)",
            [(ENDED, USER, OLD, OLD, OLD, OLD), (IDLE, USER, OLD, OLD, OLD, None), (LIVES, USER, NEW, NEW, NEW, None)],
        )
        database.execute("INSERT INTO revocations (kid, until) VALUES ('k', ?)", (OLD,))
    database.close()
    return made


@pytest.fixture
def shell(folder: Path, program: Program, tmp_path: Path) -> Shell:
    for file in folder.glob("portunus.db*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return Shell(program, tmp_path)


def test_what_ended_long_ago_is_removed_and_counted_and_the_rest_stays(shell: Shell, tmp_path: Path) -> None:
    first = shell("purge", **SQLITE)
    second = shell("purge", "--json", **SQLITE)

    assert first.stdout == "Removed 2 sessions, 1 revocations and 0 signing keys.\n"
    assert (first.returncode, first.stderr) == (0, "")
    assert json.loads(second.stdout) == {"sessions": 0, "revocations": 0, "signing_keys": 0}
    database = sqlite3.connect(tmp_path / "portunus.db")
    assert database.execute("SELECT id FROM sessions").fetchall() == [(LIVES,)]
    database.close()


def test_a_purge_is_refused_in_one_line_where_there_is_nothing_to_purge_or_the_database_is_away(shell: Shell) -> None:
    memory = {**SQLITE, "PORTUNUS_DATABASE_URL": "memory://"}

    assert "memory:// lives in the server's process" in shell.refused("purge", **memory)
    assert "Storage cannot be reached" in shell.refused("purge", **DEAD)
    assert "PORTUNUS_RETENTION" in shell.refused("purge", **SQLITE, PORTUNUS_RETENTION="60")


async def test_while_another_process_is_at_it_a_purge_says_so_and_removes_nothing(shell: Shell, databases: Databases) -> None:
    url = await databases.make()
    another = await asyncpg.connect(url)
    await another.execute("SELECT pg_advisory_lock(hashtextextended('portunus/purge', 0))")

    told = await asyncio.to_thread(shell.refused, "purge", **{**SQLITE, "PORTUNUS_DATABASE_URL": url})

    await another.close()
    assert told == "portunus: Another process is doing this at the moment."


def test_its_help_says_what_goes_and_what_stays(shell: Shell) -> None:
    told = " ".join(shell("purge", "--help").stdout.split())

    assert "Nothing that still works is touched" in told
    assert "PORTUNUS_RETENTION" in told
    assert "cron" in told
