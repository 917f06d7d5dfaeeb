"""Users with a session each, put into the database directly, and what they send, made by the product's own code."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from time import time_ns
from typing import Any
from urllib.parse import urlencode

from argon2 import PasswordHasher
from sqlalchemy import insert

from adapters.ids import Uuid7Ids
from adapters.sql.engines import open_engine_for_migrations
from adapters.sql.schema import sessions, users
from application.ports.tokens import AccessTokens, RefreshTokens
from domain.session import Session, SessionSecret
from entrypoints.container.root import Portunus

PASSWORD = "mauve tractor polka 41 lemur"  # noqa: S105 - of every user of the benchmark
_HOST = b"Host: 127.0.0.1\r\n"
_FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
_JSON = b"Content-Type: application/json\r\n"
_NUMBERS = count(time_ns() // 1_000_000)
_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    session: Session
    secret: SessionSecret


async def seed(url: str, portunus: Portunus, *, number: int) -> Sequence[Account]:
    """All with one password, and one hash of it: what a log-in costs does not depend on the salt."""
    ids, hashed = Uuid7Ids(), PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
    tokens: RefreshTokens = portunus.adapters.refresh_tokens()
    # A log-in of a second ago: the database's clock is this machine's.
    now, accounts = datetime.fromtimestamp(time_ns() // 1_000_000_000 - 1, UTC), []
    for at in range(number):
        secret = tokens.new_secret()
        session = Session(
            id=ids.session(),
            user_id=ids.user(),
            generation=0,
            secret_digest=secret.digest,
            created_at=now,
            rotated_at=now,
            access_until=now + _LIFETIME,
            made_by=tokens.key_ids[0],
        )
        accounts.append(Account(f"user{at}", session, secret))
    engine = open_engine_for_migrations(url)
    async with engine.begin() as connection:
        await connection.execute(insert(users), [_user(account, hashed) for account in accounts])
        await connection.execute(insert(sessions), [_session(account.session) for account in accounts])
    await engine.dispose()
    return accounts


def _user(account: Account, hashed: str) -> dict[str, Any]:
    return {
        "id": account.session.user_id,
        "username": account.name,
        "username_key": account.name,
        "email": f"{account.name}@example.com",
        "password_hash": hashed,
        "registered_at": account.session.created_at,
        "generation": 0,
    }


def _session(session: Session) -> dict[str, Any]:
    names = ("id", "user_id", "generation", "counter", "secret_digest", "created_at", "rotated_at", "access_until", "made_by")
    return {name: getattr(session, name) for name in names}


def get(path: str) -> bytes:
    return b"GET " + path.encode() + b" HTTP/1.1\r\n" + _HOST + b"\r\n"


async def me(accounts: Sequence[Account], portunus: Portunus) -> list[bytes]:
    """With tokens that nobody has sent before."""
    tokens: AccessTokens = portunus.adapters.access_tokens()
    made = []
    for account in accounts:
        token = await tokens.issue(account.session, expires_at=account.session.access_until)
        made.append(b"GET /users/me HTTP/1.1\r\n" + _HOST + b"Authorization: Bearer " + token.encode() + b"\r\n\r\n")
    return made


def refresh(account: Account, portunus: Portunus, *, counter: int) -> bytes:
    """The session's secret stays, its counter steps: what the next token is follows without asking."""
    tokens: RefreshTokens = portunus.adapters.refresh_tokens()
    token = tokens.seal(session_id=account.session.id, counter=counter, secret=account.secret)
    return _post(b"/refresh", _FORM, b"refresh_token=" + token.encode())


def log_in(account: Account) -> bytes:
    return _post(b"/token", _FORM, urlencode({"username": account.name, "password": PASSWORD}).encode())


def sign_up() -> bytes:
    name = f"new{next(_NUMBERS)}{secrets.token_hex(2)}"
    return _post(b"/signup", _JSON, f'{{"username":"{name}","email":"{name}@example.com","password":"{PASSWORD}"}}'.encode())


def _post(path: bytes, kind: bytes, body: bytes) -> bytes:
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (path, _HOST, kind, len(body), body)
