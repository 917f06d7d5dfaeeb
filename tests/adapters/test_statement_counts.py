"""How many statements a request costs. `BEGIN` and `COMMIT` are not counted; a savepoint is."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dependency_injector import providers
from pydantic import SecretStr
from sqlalchemy import event

from adapters.sql.engines import open_engine
from adapters.sql.migrate import upgrade
from adapters.sql.store import SqlStore
from application.accounts.register_user import RegisterUser
from application.keys.prepare_signing_key import PrepareSigningKey
from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from domain.email import EmailAddress
from domain.password import PlainPassword
from domain.session import TokenPair
from domain.user import InvalidCredentials, UsernameTaken
from domain.username import Username
from entrypoints.container.root import build, use_cases_of
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import PASSWORD, SECRET


@dataclass(frozen=True, slots=True)
class Counted:
    use: Mapping[type, Any]
    dialect: str
    sent: list[str]  # the first word of each statement since `sent` was cleared

    async def sign_up(self) -> None:
        await self.use[RegisterUser](
            username=Username("johndoe"),
            email=EmailAddress("johndoe@example.com"),
            password=PlainPassword.parse(PASSWORD),
        )

    async def log_in(self) -> TokenPair:
        pair: TokenPair = await self.use[Login](identifier="johndoe", password=PlainPassword.parse(PASSWORD))
        return pair


@pytest.fixture(params=["sqlite", "postgresql"])
async def counted(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counted]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/portunus.db"
        await upgrade(url)
    else:
        databases: Databases = request.getfixturevalue("databases")
        url = await databases.make()
    settings = Settings(
        env="development", secret_key=SecretStr(SECRET), argon2_memory=64, argon2_time=1, sessions_per_user=2
    ).with_defaults()
    container, engine = build(settings), open_engine(url, pool_size=2)
    store = SqlStore(engine, container.adapters.clock(), container.adapters.lifetimes())
    container.adapters.store.override(providers.Object(store))
    sent: list[str] = []
    made = Counted(use_cases_of(container), request.param, sent)
    await made.use[PrepareSigningKey]()
    await made.sign_up()

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(_: object, __: object, statement: str, *___: object) -> None:
        word = statement.split(maxsplit=1)[0]
        if word != "BEGIN":
            sent.append(word)

    yield made
    await store.close()


async def test_authenticating_takes_one_statement(counted: Counted) -> None:
    pair = await counted.log_in()
    counted.sent.clear()

    await counted.use[Authenticate](access_token=pair.access_token)

    assert counted.sent == ["SELECT"]


async def test_refreshing_takes_one_statement(counted: Counted) -> None:
    pair = await counted.log_in()
    counted.sent.clear()

    await counted.use[RefreshAccess](refresh_token=pair.refresh_token)

    assert counted.sent == (["UPDATE"] if counted.dialect == "sqlite" else ["WITH"])


async def test_logging_in_takes_at_most_four_statements_at_the_limit_of_sessions_too(counted: Counted) -> None:
    await counted.log_in()
    below = list(counted.sent)
    await counted.log_in()
    counted.sent.clear()

    await counted.log_in()

    # Find the user, open the session in turn, end the oldest; SQLite, which has one writer, tells of the ended by itself.
    if counted.dialect == "postgresql":
        assert below == counted.sent == ["SELECT", "INSERT", "WITH"]
    else:
        assert below == ["SELECT", "INSERT", "UPDATE"]
        assert counted.sent == ["SELECT", "INSERT", "UPDATE", "INSERT"]


async def test_a_failed_log_in_takes_one_statement(counted: Counted) -> None:
    with pytest.raises(InvalidCredentials):
        await counted.use[Login](identifier="johndoe", password=PlainPassword.parse(f"not {PASSWORD}"))

    assert counted.sent == ["SELECT"]


async def test_signing_up_takes_one_insert_that_may_fail(counted: Counted) -> None:
    with pytest.raises(UsernameTaken):
        await counted.sign_up()

    assert counted.sent == ["SAVEPOINT", "INSERT", "ROLLBACK"]


async def test_logging_out_takes_one_statement(counted: Counted) -> None:
    pair = await counted.log_in()
    counted.sent.clear()

    await counted.use[Logout](refresh_token=pair.refresh_token)

    assert counted.sent == (["WITH"] if counted.dialect == "postgresql" else ["UPDATE", "INSERT"])
