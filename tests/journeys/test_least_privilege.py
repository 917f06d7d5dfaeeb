"""Portunus under a database role that may read and write rows, and nothing else."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from application.accounts.register_user import RegisterUser
from application.directory.disable_user import DisableUser
from application.directory.list_users import ListUsers
from application.keys.prepare_signing_key import PrepareSigningKey
from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.refresh_access import RefreshAccess
from application.sessions.store_sightings import StoreSightings
from application.upkeep.inspect_storage import InspectStorage, Keys
from application.upkeep.purge_expired import PurgeExpired
from domain.email import EmailAddress
from domain.password import PlainPassword
from domain.session import InvalidRefreshToken
from domain.username import Username
from entrypoints.container.root import build, store_of, use_cases_of
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import PASSWORD, SECRET

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"


@pytest.fixture
async def url_of_the_server(databases: Databases) -> AsyncIterator[str]:
    """Of a migrated database, for the role that the operating guide has operators make."""
    url, role = await databases.make(), f"portunus_server_{uuid4().hex[:8]}"
    [statements] = re.findall(r"^```sql\n(.*?)^```$", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)
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
