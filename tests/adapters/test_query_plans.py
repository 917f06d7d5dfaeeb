"""By which index PostgreSQL finds what the hot statements ask for: among enough rows that reading all of them is dearer."""

from collections.abc import Mapping, Sequence

import pytest
from pydantic import SecretStr

from adapters.sql.together import MOST
from application.keys.prepare_signing_key import PrepareSigningKey
from benchmarks import population
from benchmarks.accounts import hash_of_all, new_accounts
from benchmarks.query_plans import QueryPlan, query_plans
from benchmarks.setting import FLOOR
from domain.revocation import MOST_ON_A_PAGE
from entrypoints.container.root import build, store_of, use_cases_of
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import SECRET

USERS = 10_000  # and twice as many sessions
DUE = 7  # to be removed of each
MAKE_DUE = f"""
UPDATE sessions SET ended_at = now() - interval '40 d'
  WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NOT NULL LIMIT {DUE});
UPDATE sessions SET created_at = now() - interval '90 d', rotated_at = now() - interval '90 d'
  WHERE id IN (SELECT id FROM sessions WHERE ended_at IS NULL LIMIT {DUE});
UPDATE revocations SET until = now() - interval '1 h' WHERE id IN (SELECT id FROM revocations LIMIT {DUE});
UPDATE throttle SET due_at = 0 WHERE key IN (SELECT key FROM throttle LIMIT {DUE});
INSERT INTO attempts (account, failures, reserved, reserved_until, free_at, admission)
  SELECT '~' || n, 0, 0, 0, 0, 'reserved' FROM generate_series(1, {DUE}) n;
"""  # noqa: S608 - a number
# What looks for rows, statement by statement: the indexes, and how many rows it may read for it.
INTENDED: Mapping[str, Sequence[tuple[set[str], int]]] = {
    "GET /users/me": [({"pk_sessions", "pk_users"}, 2)],
    "GET /users/me, several at once": [({"pk_sessions", "pk_users"}, 2), ({"pk_sessions", "pk_users"}, 0)],
    "POST /refresh": [({"pk_sessions", "pk_users"}, 2)],
    "POST /refresh, several at once": [({"pk_sessions", "pk_users"}, 2), ({"pk_sessions", "pk_users"}, 4 * MOST)],
    "POST /token": [
        ({"uq_users_username_key"}, 1),
        ({"pk_throttle", "pk_attempts"}, 3),
        ({"pk_attempts"}, 1),
        ({"pk_users", "ix_sessions_user_id_id"}, 4),
    ],
    "POST /signup": [({"pk_throttle"}, 1), ({"uq_users_username_key"}, 0)],
    "GET /users/me/sessions": [({"pk_sessions", "pk_users"}, 2), ({"pk_users", "ix_sessions_user_id_id"}, 4)],
    "POST /logout": [({"pk_sessions"}, 1)],
    "GET /.well-known/revocations": [({"ix_revocations_xid_id"}, MOST_ON_A_PAGE + 3)] * 2,
    "portunus purge": [
        ({"ix_revocations_until", "pk_revocations"}, 2 * DUE),
        ({"ix_sessions_ended_at", "pk_sessions"}, 3 * DUE),
        ({"ix_sessions_created_at_id"}, DUE),
        ({"pk_sessions"}, 3 * DUE),
        ({"ix_throttle_due_at", "pk_throttle"}, 2 * DUE),
        ({"ix_attempts_reserved_until", "pk_attempts"}, 2 * DUE),
    ],
}


@pytest.fixture(scope="module")
async def plans(databases: Databases) -> Mapping[str, Sequence[QueryPlan]]:
    url = await databases.make()
    settings = Settings(env="development", database_url=SecretStr(url), secret_key=SecretStr(SECRET))
    portunus = build(settings)
    await use_cases_of(portunus)[PrepareSigningKey]()
    accounts = new_accounts(portunus, number=USERS)
    connection = await databases.connect(url)
    await population.add(connection, accounts, hashed=hash_of_all(FLOOR))
    await population.surround(connection)
    await connection.execute(MAKE_DUE)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    await store_of(portunus).close()
    found = await query_plans(build(settings), url, accounts[USERS // 2], others=accounts[USERS // 2 + 1 :])
    return {operation: [plan for plan in found if plan.operation == operation] for operation in INTENDED}


@pytest.mark.parametrize("operation", INTENDED)
async def test_a_hot_statement_finds_its_rows_by_the_index_that_is_meant_for_it(
    plans: Mapping[str, Sequence[QueryPlan]], operation: str
) -> None:
    found = plans[operation]

    assert [set(plan.indexes) for plan in found] == [indexes for indexes, _ in INTENDED[operation]]
    assert [plan.whole for plan in found] == [()] * len(found)
    assert all(plan.rows <= most for plan, (_, most) in zip(found, INTENDED[operation], strict=True)), found
