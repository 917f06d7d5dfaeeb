"""Portunus under a database role that may read and write rows, and nothing else."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from application.accounts.register_user import RegisterUser
from application.audit.seal_record import SealRecord
from application.audit.verify_record import VerifyRecord
from application.directory.disable_user import DisableUser
from application.directory.list_users import ListUsers
from application.keys.prepare_signing_key import PrepareSigningKey
from application.ports.audit import Grants
from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.refresh_access import RefreshAccess
from application.sessions.store_sightings import StoreSightings
from application.upkeep.inspect_storage import InspectStorage, Keys, StorageReport
from application.upkeep.purge_expired import PurgeExpired
from domain.audit import Act, Action, Agent
from domain.audit_seals import Flaw
from domain.email import EmailAddress
from domain.origin import Origin
from domain.password import PlainPassword
from domain.session import InvalidRefreshToken
from domain.username import Username
from entrypoints.container.root import build, store_of, use_cases_of
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.http.api import an_api

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"


@pytest.fixture
async def url_of_the_owner(databases: Databases) -> str:
    return await databases.make()


@pytest.fixture
async def url_of_the_server(databases: Databases, url_of_the_owner: str) -> AsyncIterator[str]:
    """Of a migrated database, for the role that the operating guide has operators make."""
    url, role = url_of_the_owner, f"portunus_server_{uuid4().hex[:8]}"
    statements, *_ = re.findall(r"^```sql\n(.*?)^```$", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)
    await databases.execute(url, statements.replace("portunus_server", role).replace("a long random one", "tested"))
    yield make_url(url).set(username=role, password="tested").render_as_string(hide_password=False)
    await databases.execute(url, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


async def test_ks10_the_server_works_under_a_role_that_cannot_change_the_schema(
    databases: Databases, url_of_the_server: str
) -> None:
    container = build(
        Settings(env="development", database_url=SecretStr(url_of_the_server), secret_key=SecretStr(SECRET)).with_defaults()
    )
    use = use_cases_of(container)
    name, password = Username("johndoe"), PlainPassword.parse(PASSWORD)

    await use[PrepareSigningKey]()
    await use[RegisterUser](username=name, email=EmailAddress("johndoe@example.com"), password=password)
    pair = await use[Login](identifier="johndoe", password=password)
    pair = await use[RefreshAccess](refresh_token=pair.refresh_token)
    await use[Authenticate](access_token=pair.access_token)
    await use[StoreSightings]()
    await use[DisableUser](username=name)
    with pytest.raises(InvalidRefreshToken):
        await use[RefreshAccess](refresh_token=pair.refresh_token)

    assert (await use[InspectStorage]()).keys is Keys.OPEN
    assert len((await use[ListUsers](limit=10)).users) == 1
    await databases.age(url_of_the_server, timedelta(days=61))
    assert sum([batch.sessions async for batch in use[PurgeExpired]()]) == 1
    await store_of(container).close()


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE planted (id int)", "DROP TABLE users", "ALTER TABLE users ADD a int", "TRUNCATE users"],
)
async def test_ks10_that_role_cannot_change_the_schema(url_of_the_server: str, statement: str) -> None:
    connection = await asyncpg.connect(url_of_the_server)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize("table", ["audit_entries", "audit_details", "audit_seals", "audit_checkpoints"])
async def test_ks08_that_role_cannot_change_or_remove_what_is_in_the_audit_trail(url_of_the_server: str, table: str) -> None:
    column = {"audit_details": "entry_id", "audit_entries": "id"}.get(table, "ordinal")
    connection = await asyncpg.connect(url_of_the_server)
    for statement in (f"UPDATE {table} SET {column} = 7", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):  # noqa: S608
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


_LIKE = "at, action, outcome, agent, times"
_ENTRY = "FROM audit_entries LIMIT 1"
_A_SEAL = "era, upto, last_id, {count}, sealed_at, entries_digest, link, mac FROM audit_seals"


@pytest.mark.parametrize(
    ("added", "flaw"),
    [
        (f"audit_entries (id, xid, {_LIKE}) SELECT 1000, xid, {_LIKE} {_ENTRY}", Flaw.ENTRIES_ADDED),
        (f"audit_entries (id, xid, {_LIKE}) SELECT -5, '1', {_LIKE} {_ENTRY}", Flaw.ENTRIES_ADDED),
        (f"audit_seals SELECT 2, {_A_SEAL.format(count=0)}", Flaw.SEAL_ALTERED),
        (f"audit_seals SELECT 9, {_A_SEAL.format(count='count')}", Flaw.SEAL_MISSING),
        (
            "audit_checkpoints SELECT 1, era, upto, last_id, count, link, sealed_at, mac FROM audit_seals",
            Flaw.CHECKPOINT_FORGED,
        ),
        ("audit_details SELECT id, '', '{}' FROM audit_entries WHERE detail_digest IS NULL", Flaw.DETAIL_ALTERED),
    ],
)
async def test_ks08_what_that_role_makes_up_is_found(url_of_the_server: str, added: str, flaw: Flaw) -> None:
    container = build(
        Settings(env="development", database_url=SecretStr(url_of_the_server), secret_key=SecretStr(SECRET)).with_defaults()
    )
    use, store = use_cases_of(container), store_of(container)
    async with store.begin() as work:
        await work.audit.add(Act(action=Action.LOGIN, by=Agent.USER))
        await work.audit.add(Act(action=Action.LOGIN, by=Agent.USER, origin=Origin(request_id="r-1")))
        await work.commit()
    await use[SealRecord]()

    connection = await asyncpg.connect(url_of_the_server)
    await connection.execute(f"INSERT INTO {added}")
    await connection.close()

    *_, verified = [step async for step in use[VerifyRecord]()]
    await store.close()
    assert flaw in {finding.flaw for finding in verified.findings}


async def grants_of(url: str) -> Grants | None:
    container = build(Settings(env="development", database_url=SecretStr(url), secret_key=SecretStr(SECRET)).with_defaults())
    report: StorageReport = await use_cases_of(container)[InspectStorage]()
    await store_of(container).close()
    return report.grants


async def test_ks08_the_doctor_sees_what_that_role_may_do_to_the_audit_trail(
    databases: Databases, url_of_the_owner: str, url_of_the_server: str
) -> None:
    role = make_url(url_of_the_server).username or ""

    async def granted(statement: str) -> Grants | None:
        await databases.execute(url_of_the_owner, statement)
        return await grants_of(url_of_the_server)

    as_it_should_be = Grants(role=role, owns_it=False, may_change=False, may_add=True)
    owner = await grants_of(url_of_the_owner)
    assert await grants_of(url_of_the_server) == as_it_should_be
    for table in ("audit_entries", "audit_details", "audit_seals", "audit_checkpoints"):
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            assert await granted(f'GRANT {right} ON {table} TO "{role}"') == replace(as_it_should_be, may_change=True)
            await databases.execute(url_of_the_owner, f'REVOKE {right} ON {table} FROM "{role}"')
    assert await granted(f'GRANT UPDATE (target) ON audit_entries TO "{role}"') == replace(as_it_should_be, may_change=True)
    await databases.execute(url_of_the_owner, f'REVOKE UPDATE (target) ON audit_entries FROM "{role}"')
    assert await granted(f'REVOKE INSERT ON audit_details FROM "{role}"') == replace(as_it_should_be, may_add=False)
    assert owner is not None
    assert owner.owns_it


async def test_ks09_an_act_that_cannot_be_entered_is_not_done_and_a_failed_log_in_stays_one(
    databases: Databases, url_of_the_owner: str, url_of_the_server: str
) -> None:
    role = make_url(url_of_the_server).username
    async with an_api(database_url=url_of_the_server) as api:
        tokens = await api.log_in()
        await databases.execute(url_of_the_owner, f'REVOKE INSERT ON audit_entries, audit_failures FROM "{role}"')

        signed_up = await api.sign_up(username="another")
        logged_in = await api.token(username="johndoe", password=PASSWORD)
        logged_out = await api.http.post("/logout", json={"refresh_token": tokens["refresh_token"]})
        guessed = await api.token(username="johndoe", password="wrong, and long enough")

        assert [answer.status_code for answer in (signed_up, logged_in, logged_out, guessed)] == [503, 503, 503, 401]
        assert signed_up.headers["retry-after"]
        assert len((await api.use_cases[ListUsers](limit=10)).users) == 1
        assert (await api.me(tokens["access_token"])).status_code == 200
        assert len((await api.http.get("/users/me/sessions", headers=_bearer(tokens))).json()["sessions"]) == 1


async def test_the_role_of_the_server_may_log_out_what_is_logged_out(url_of_the_server: str) -> None:
    async with an_api(database_url=url_of_the_server) as api:
        tokens = await api.log_in()

        answers = [await api.http.post("/logout", json={"refresh_token": tokens["refresh_token"]}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]


def _bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}
