"""Users with a session each, put into the storage directly, and what they send, made by the product's own code."""

import json
import secrets
import socket
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from time import time_ns
from types import MappingProxyType
from typing import Any, BinaryIO, final
from urllib.parse import urlencode

from argon2 import PasswordHasher
from sqlalchemy import insert, text

from adapters.ids import Uuid7Ids
from adapters.sql.engines import open_engine_for_migrations
from adapters.sql.schema import sessions, users
from application.ports.tokens import AccessTokens, RefreshTokens
from benchmarks.peers import Argon2
from domain.email import EmailAddress
from domain.password import PasswordHash
from domain.session import NewSession, Session, SessionId, SessionSecret
from domain.user import User
from domain.username import Username
from entrypoints.container.root import Portunus

PASSWORD = "mauve tractor polka 41 lemur"  # noqa: S105 - of every user of the benchmark
LIFETIME = timedelta(hours=1)  # of access tokens
_HOST = b"Host: 127.0.0.1\r\n"
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
_JSON = b"Content-Type: application/json\r\n"
_LOGGED_IN_WITHIN = 5 * 86_400_000  # milliseconds
_NUMBERS = count(time_ns() // 1_000_000)
_NONE_YET: Mapping[SessionId, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    session: Session
    secret: SessionSecret


@dataclass(frozen=True, slots=True)
class NewAccount:
    user: User
    session: NewSession


def hash_of_all(cost: Argon2) -> str:
    """One for all users: what a log-in costs does not depend on the salt."""
    hasher = PasswordHasher(time_cost=cost.time, memory_cost=cost.memory, parallelism=cost.parallelism)
    return hasher.hash(PASSWORD)


def new_accounts(portunus: Portunus, *, number: int, first: int = 0) -> Sequence[Account]:
    """`user{first}` and so on, who logged in within the last days, and refreshed a second ago by this machine's clock, which is
    the database's.

    If all had logged in at once, PostgreSQL would look for a session among those of that moment.
    """
    ids, now = Uuid7Ids(), datetime.fromtimestamp(time_ns() // 1_000_000_000 - 1, UTC)
    tokens: RefreshTokens = portunus.adapters.refresh_tokens()
    accounts = []
    for at in range(first, first + number):
        secret = tokens.new_secret()
        session = Session(
            id=ids.session(),
            user_id=ids.user(),
            generation=0,
            secret_digest=secret.digest,
            created_at=now - timedelta(milliseconds=secrets.randbelow(_LOGGED_IN_WITHIN)),
            rotated_at=now,
            access_until=now + LIFETIME,
            made_by=tokens.key_ids[0],
        )
        accounts.append(Account(f"user{at}", session, secret))
    return accounts


async def store(accounts: Sequence[Account], url: str, *, cost: Argon2) -> None:
    """In a database, all with one password."""
    hashed, engine = hash_of_all(cost), open_engine_for_migrations(url)
    async with engine.begin() as connection:
        await connection.execute(insert(users), [user_row(account, hashed) for account in accounts])
        await connection.execute(insert(sessions), [session_row(account.session) for account in accounts])
        await connection.execute(text("ANALYZE"))
    await engine.dispose()


def to_be_opened(accounts: Sequence[Account], *, cost: Argon2) -> Sequence[NewAccount]:
    """For storage that only its own process can write to."""
    hashed = PasswordHash(hash_of_all(cost))
    return [
        NewAccount(
            User(
                id=account.session.user_id,
                username=Username(account.name),
                email=EmailAddress(f"{account.name}@example.com"),
                password_hash=hashed,
                registered_at=account.session.created_at,
            ),
            NewSession(
                id=account.session.id,
                user_id=account.session.user_id,
                generation=0,
                secret_digest=account.secret.digest,
                made_by=account.session.made_by,
            ),
        )
        for account in accounts
    ]


def user_row(account: Account, hashed: str) -> dict[str, Any]:
    return {
        "id": account.session.user_id,
        "username": account.name,
        "username_key": account.name,
        "email": f"{account.name}@example.com",
        "password_hash": hashed,
        "registered_at": account.session.created_at,
        "generation": 0,
    }


def session_row(session: Session) -> dict[str, Any]:
    names = ("id", "user_id", "generation", "counter", "secret_digest", "created_at", "rotated_at", "access_until", "made_by")
    return {name: getattr(session, name) for name in names}


def get(path: str) -> bytes:
    return b"GET " + path.encode() + b" HTTP/1.1\r\n" + _HOST + b"\r\n"


async def me(accounts: Iterable[Account], portunus: Portunus) -> list[bytes]:
    """With tokens that nobody has sent before."""
    tokens: AccessTokens = portunus.adapters.access_tokens()
    return [me_with(await tokens.issue(account.session, expires_at=account.session.access_until)) for account in accounts]


def me_with(token: str) -> bytes:
    return b"GET /users/me HTTP/1.1\r\n" + _HOST + b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"


@final
class Rotations:
    """Each session's next refresh token in turn: its secret stays and its counter steps, so that the next one follows unasked.

    What was not sent is given back. The token after it would be taken as well, but as one of a store that has lost writes:
    that is entered in the audit trail, and told to the log, which is no rotation as others are.
    """

    def __init__(
        self, accounts: Sequence[Account], portunus: Portunus, *, counters: Mapping[SessionId, int] = _NONE_YET
    ) -> None:
        """`counters` has those of sessions that were rotated before."""
        self._tokens: RefreshTokens = portunus.adapters.refresh_tokens()
        self._next = ((account, counters.get(account.session.id, 0) + turn) for turn in count() for account in accounts)
        self._given_back: deque[bytes] = deque()

    def take(self, number: int) -> list[bytes]:
        return [self._given_back.popleft() if self._given_back else self._made(*next(self._next)) for _ in range(number)]

    def give_back(self, requests: Sequence[bytes]) -> None:
        """In the order in which they were taken."""
        self._given_back.extendleft(reversed(requests))

    def _made(self, account: Account, counter: int) -> bytes:
        token = self._tokens.seal(session_id=account.session.id, counter=counter, secret=account.secret)
        return _post(b"/refresh", _FORM, b"refresh_token=" + token.encode())


def log_in(account: Account) -> bytes:
    return _post(b"/token", _FORM, urlencode({"username": account.name, "password": PASSWORD}).encode())


def guess() -> bytes:
    return _post(b"/token", _FORM, urlencode({"username": "nobody", "password": f"not {PASSWORD}"}).encode())


def new_name() -> str:
    return f"new{next(_NUMBERS)}{secrets.token_hex(2)}"


def sign_up() -> bytes:
    name = new_name()
    return _post(b"/signup", _JSON, f'{{"username":"{name}","email":"{name}@example.com","password":"{PASSWORD}"}}'.encode())


def access_tokens(port: int, requests: Iterable[bytes]) -> list[str]:
    """What the answers to these refreshes or log-ins have, one after the other on one connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rb") as answers:
        return [_token(connection, answers, request) for request in requests]


def _token(connection: socket.socket, answers: BinaryIO, request: bytes) -> str:
    connection.sendall(request)
    headers = dict(line.lower().rstrip().split(b": ", 1) for line in iter(answers.readline, b"\r\n") if b": " in line)
    token: str = json.loads(answers.read(int(headers[b"content-length"])))["access_token"]
    return token


def _post(path: bytes, kind: bytes, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (path, _HOST, kind, len(body), body)
