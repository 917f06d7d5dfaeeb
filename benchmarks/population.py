"""As many rows as one likes: users with a session each, and what lies about them in a database that has been in use."""

from collections.abc import Mapping, Sequence

import asyncpg

from benchmarks import accounts
from benchmarks.accounts import Account

# For each user one more of each, which nothing that is measured is about, and which no purge may remove yet.
_ABOUT_THEM = """
INSERT INTO sessions
    (id, user_id, generation, counter, secret_digest, created_at, rotated_at, access_until, ended_at, end_reason)
  SELECT overlay(id::text PLACING '0190' FROM 1 FOR 4)::uuid, user_id, generation, counter, secret_digest,
    created_at - interval '20 d', rotated_at - interval '10 d', access_until - interval '10 d',
    now() - interval '10 d', 'logout'
  FROM sessions WHERE ended_at IS NULL ON CONFLICT DO NOTHING;
INSERT INTO throttle (key, due_at, allowed)
  SELECT md5(id::text), extract(epoch FROM now() + interval '1 h')::bigint * 1000000, true FROM users ON CONFLICT DO NOTHING;
INSERT INTO revocations (session_id, until)
  SELECT gen_random_uuid(), now() + interval '1 h'
  FROM generate_series((SELECT count(*) FROM revocations) + 1, (SELECT count(*) FROM users));
"""
_ATTEMPTS = """
INSERT INTO attempts (account, failures, reserved, reserved_until, free_at, admission)
  SELECT id::text, 0, 0, 0, 0, 'reserved' FROM users ON CONFLICT DO NOTHING
"""
_ENTRIES = """
WITH entered AS (
  INSERT INTO audit_entries (at, action, outcome, agent, user_id, session_id, times, detail_digest)
    SELECT now(), 'login', 'done', 'user', user_id, id, 1, secret_digest FROM sessions ORDER BY id DESC LIMIT $1
  RETURNING id
)
INSERT INTO audit_details (entry_id, salt, detail) SELECT id, decode(repeat('00', 16), 'hex'), repeat('x', 120) FROM entered
"""

Connection = asyncpg.Connection


async def add(connection: Connection, made: Sequence[Account], *, hashed: str) -> None:
    """Users who have that hash, and their sessions."""
    await _copy(connection, "users", [accounts.user_row(account, hashed) for account in made])
    await _copy(connection, "sessions", [accounts.session_row(account.session) for account in made])


async def surround(connection: Connection) -> None:
    """With as many sessions that are over, revocations, counts and attempts."""
    await connection.execute(_ABOUT_THEM)
    await log_in(connection)


async def log_in(connection: Connection) -> None:
    """What stays of it in the count of each user's attempts."""
    await connection.execute(_ATTEMPTS)


async def enter(connection: Connection, number: int) -> None:
    """An audit entry for each of so many sessions, with a detail of 120 characters."""
    await connection.execute(_ENTRIES, number)


async def _copy(connection: Connection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    records = [tuple(row.values()) for row in rows]
    await connection.copy_records_to_table(table, records=records, columns=list(rows[0]))
