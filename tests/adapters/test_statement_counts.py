"""How many statements a request costs, and what it holds meanwhile. `BEGIN` and `COMMIT` are not counted; a savepoint is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast, final

import asyncpg
import pytest
from dependency_injector import providers
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from adapters.sql.engines import open_engine
from adapters.sql.store import SqlStore
from application.accounts.register_user import RegisterUser
from application.keys.prepare_signing_key import PrepareSigningKey
from application.keys.publish_revocations import PublishRevocations
from application.limits.admit_request import AdmitRequest
from application.passwords.change_password import ChangePassword
from application.ports.passwords import OPERATORS
from application.sessions.authenticate import Authenticate
from application.sessions.login import Login
from application.sessions.logout import Logout
from application.sessions.refresh_access import RefreshAccess
from domain.attempts import TooManyFailures
from domain.email import EmailAddress
from domain.origin import Origin
from domain.password import PasswordHash, PlainPassword
from domain.session import TokenPair
from domain.throttle import Action, TooManyRequests
from domain.turn import Turn
from domain.user import InvalidCredentials, UsernameTaken
from domain.username import Username
from entrypoints.container.root import build, use_cases_of
from entrypoints.settings import Settings
from tests.databases import Databases
from tests.examples import PASSWORD, SECRET
from tests.fakes import FakePasswordHasher

SOMEWHERE = Origin(address=ip_address("203.0.113.7"))


@final
class WatchingHasher(FakePasswordHasher):
    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._pool = cast("QueuePool", engine.pool)
        self.held: list[int] = []  # connections, at each hash

    async def hash(self, password: PlainPassword, *, turn: Turn = OPERATORS) -> PasswordHash:
        self.held.append(self._pool.checkedout())
        return await super().hash(password, turn=turn)

    async def verify(self, password: PlainPassword, against: PasswordHash | None, *, turn: Turn = OPERATORS) -> bool:
        self.held.append(self._pool.checkedout())
        return await super().verify(password, against, turn=turn)


@dataclass(frozen=True, slots=True)
class Counted:
    use: Mapping[type, Any]
    dialect: str
    sent: list[str]  # the first word of each statement since `sent` was cleared
    hasher: WatchingHasher

    async def sign_up(self, name: str = "johndoe") -> None:
        await self.use[AdmitRequest](action=Action.SIGN_UP, origin=SOMEWHERE)
        await self.use[RegisterUser](
            username=Username(name),
            email=EmailAddress("johndoe@example.com"),
            password=PlainPassword.parse(PASSWORD),
            origin=SOMEWHERE,
        )

    async def log_in(self, password: str = PASSWORD, *, name: str = "johndoe") -> TokenPair:
        pair: TokenPair = await self.use[Login](identifier=name, password=PlainPassword.parse(password), origin=SOMEWHERE)
        return pair


@pytest.fixture(params=[("sqlite", 100), ("postgresql", 100)])
async def counted(request: pytest.FixtureRequest, tmp_path: Path, sqlite_in: Callable[[Path], str]) -> AsyncIterator[Counted]:
    dialect, most_sessions = request.param
    if dialect == "sqlite":
        url = sqlite_in(tmp_path)
    else:
        databases: Databases = request.getfixturevalue("databases")
        url = await databases.make()
    settings = Settings(env="development", secret_key=SecretStr(SECRET), sessions_per_user=most_sessions).with_defaults()
    container, engine = build(settings), open_engine(url, pool_size=2)
    sent: list[str] = []
    _count(engine, sent)
    store = SqlStore(engine, container.adapters.clock(), container.adapters.lifetimes())
    container.adapters.store.override(providers.Object(store))
    hasher = WatchingHasher(engine)
    container.adapters.hasher.override(providers.Object(hasher))
    made = Counted(use_cases_of(container), dialect, sent, hasher)
    await made.use[PrepareSigningKey]()
    await made.sign_up()

    sent.clear()
    yield made
    await store.close()


def _count(engine: AsyncEngine, sent: list[str]) -> None:
    """Where the driver is reached: the hottest statements do not pass through SQLAlchemy."""

    def note(statement: str) -> None:
        word, _, rest = statement.partition(" ")
        if word not in {"BEGIN", "COMMIT"} and (rest or word != "ROLLBACK"):
            sent.append(statement.split(maxsplit=1)[0])

    class Counting(asyncpg.Connection):
        async def fetch(self, query: str, *arguments: Any, **how: Any) -> Any:
            note(query)
            return await super().fetch(query, *arguments, **how)

    if engine.dialect.name == "sqlite":

        @event.listens_for(engine.sync_engine, "connect")
        def count_what_sqlite_runs(connection: Any, _: object) -> None:
            connection.run_async(lambda driver: driver.set_trace_callback(note))

        return

    @event.listens_for(engine.sync_engine, "do_connect")
    def count_past_sqlalchemy(_: object, __: object, ___: object, options: dict[str, Any]) -> None:
        options["connection_class"] = Counting

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def count(_: object, __: object, statement: str, *___: object) -> None:
        note(statement)


async def test_authenticating_takes_one_statement(counted: Counted) -> None:
    pair = await counted.log_in()
    counted.sent.clear()

    await counted.use[Authenticate](access_token=pair.access_token)

    assert counted.sent == ["SELECT"]


async def test_those_who_authenticate_at_once_share_statements(counted: Counted) -> None:
    pairs = [await counted.log_in() for _ in range(17)]
    counted.sent.clear()

    actors = await asyncio.gather(*(counted.use[Authenticate](access_token=pair.access_token) for pair in pairs))

    assert len({actor.session.id for actor in actors}) == len(pairs)
    assert counted.sent == ["SELECT"] * 2  # the first who came, and all others


async def test_refreshing_takes_one_statement(counted: Counted) -> None:
    pair = await counted.log_in()
    counted.sent.clear()

    await counted.use[RefreshAccess](refresh_token=pair.refresh_token)

    assert counted.sent == ["UPDATE"]


async def test_sessions_that_refresh_at_once_share_statements_on_postgresql(counted: Counted) -> None:
    pairs = [await counted.log_in() for _ in range(17)]
    counted.sent.clear()

    await asyncio.gather(*(counted.use[RefreshAccess](refresh_token=pair.refresh_token) for pair in pairs))

    shared = ["UPDATE", "WITH"]  # the first who came, and all others
    assert counted.sent == (shared if counted.dialect == "postgresql" else ["UPDATE"] * len(pairs))


async def test_logging_in_takes_four_statements(counted: Counted) -> None:
    await counted.log_in()

    # Find the user, take a place, give it back, open the session and enter that. SQLite sends nothing, and takes four more.
    if counted.dialect == "postgresql":
        assert counted.sent == ["SELECT", "WITH", "UPDATE", "WITH"]
    else:
        assert counted.sent == ["SELECT", "INSERT", "INSERT", "UPDATE", *["INSERT"] * 3, "UPDATE"]


@pytest.mark.parametrize("counted", [("sqlite", 2), ("postgresql", 2)], indirect=True)
async def test_logging_in_near_the_limit_of_sessions_takes_one_more_to_end_the_oldest_and_enter_that(counted: Counted) -> None:
    for _ in range(2):
        await counted.log_in()
    counted.sent.clear()

    await counted.log_in()

    # SQLite tells of the ended by itself.
    if counted.dialect == "postgresql":
        assert counted.sent == ["SELECT", "WITH", "UPDATE", "WITH", "WITH"]
    else:
        assert counted.sent == ["SELECT", "INSERT", "INSERT", "UPDATE", *["INSERT"] * 3, "UPDATE", *["INSERT"] * 2]


@pytest.mark.parametrize("counted", [("postgresql", 52)], indirect=True)
async def test_where_fifty_rivals_could_exceed_the_limit_of_sessions_one_statement_opens_none(counted: Counted) -> None:
    for others in range(3):
        counted.sent.clear()
        await counted.log_in()
        opened_alone = ["SELECT", "WITH", "UPDATE", "WITH"]
        assert counted.sent == (opened_alone if others < 2 else [*opened_alone, "WITH", "WITH"])


async def test_a_failed_log_in_takes_four_statements(counted: Counted) -> None:
    with pytest.raises(InvalidCredentials):
        await counted.log_in(f"not {PASSWORD}")

    assert counted.sent == (
        ["SELECT", "WITH", "UPDATE", "INSERT"]
        if counted.dialect == "postgresql"
        else ["SELECT", "INSERT", "INSERT", "UPDATE", "INSERT"]
    )


async def test_a_log_in_that_is_refused_by_its_address_takes_one_statement(counted: Counted) -> None:
    with pytest.raises(TooManyRequests):
        for number in range(61):
            counted.sent.clear()
            with suppress(InvalidCredentials):
                await counted.log_in(name=f"nobody{number}")

    assert counted.sent == ["SELECT"]


async def test_ac12_guesses_at_an_account_that_has_just_refused_one_take_no_statement(counted: Counted) -> None:
    for _ in range(6):
        with suppress(InvalidCredentials, TooManyFailures):
            await counted.log_in(f"not {PASSWORD}")
    counted.sent.clear()

    for _ in range(3):
        with pytest.raises(TooManyFailures):
            await counted.log_in()

    assert counted.sent == []


async def test_signing_up_takes_three_statements(counted: Counted) -> None:
    await counted.sign_up("another")

    # Count at the address, add the user, enter it. SQLite, where nothing is sent, takes one more.
    if counted.dialect == "postgresql":
        assert counted.sent == ["INSERT", "INSERT", "WITH"]
    else:
        assert counted.sent == ["INSERT"] * 4


async def test_a_name_that_is_taken_is_found_out_by_the_insert(counted: Counted) -> None:
    with pytest.raises(UsernameTaken):
        await counted.sign_up()

    assert len(counted.sent) == 2
    assert counted.sent[-1] == "INSERT"


async def test_logging_out_takes_one_statement(counted: Counted) -> None:
    pair = await counted.log_in()
    counted.sent.clear()

    await counted.use[Logout](refresh_token=pair.refresh_token)

    assert counted.sent == (["WITH"] if counted.dialect == "postgresql" else ["UPDATE", "INSERT", "INSERT"])


async def test_the_revocation_feed_takes_one_statement_with_a_cursor_and_without(counted: Counted) -> None:
    counted.sent.clear()

    feed = await counted.use[PublishRevocations](after=None)
    await counted.use[PublishRevocations](after=feed.next)

    assert counted.sent == ["WITH"] * 2


async def test_no_connection_is_held_while_a_password_is_hashed(counted: Counted) -> None:
    pair = await counted.log_in()
    with suppress(InvalidCredentials):
        await counted.log_in(f"not {PASSWORD}")
    actor = await counted.use[Authenticate](access_token=pair.access_token)
    await counted.use[ChangePassword](
        actor=actor, current=PlainPassword.parse(PASSWORD), new=PlainPassword.parse(f"another {PASSWORD}")
    )

    # Signing up, logging in twice, and the password that was and the one that is.
    assert counted.hasher.held == [0] * 5
