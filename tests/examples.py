"""Values to test with: each builder takes only what matters to the test."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from adapters.ids import Uuid7Ids
from application.ports.unit_of_work import Store
from domain.email import EmailAddress
from domain.origin import Device, DeviceKind, Trace
from domain.password import PasswordHash
from domain.session import NewSession, PresentedRefreshToken, Session, SessionSecret
from domain.signing_key import SigningKey
from domain.user import User
from domain.username import Username

PASSWORD = "correct horse battery staple"
SECRET = "c0ffee00d15ea5e0112233445566778899aabbccddeeff1029384756f1e2d3c4"

_ids = Uuid7Ids()


def a_user(name: str = "johndoe", *, password_hash: str = f"new:{PASSWORD}", disabled_at: datetime | None = None) -> User:
    return User(
        id=_ids.user(),
        username=Username(name),
        email=EmailAddress(f"{name.lower()}@example.com"),
        password_hash=PasswordHash(password_hash),
        registered_at=datetime(2026, 11, 24, 11, 59, 59, 123456, tzinfo=UTC),
        disabled_at=disabled_at,
    )


def a_new_session(user: User, secret: SessionSecret | None = None) -> NewSession:
    secret = secret or SessionSecret(secrets.token_bytes(32))
    return NewSession(
        id=_ids.session(),
        user_id=user.id,
        generation=user.generation,
        secret_digest=secret.digest,
        device=Device(browser="Firefox", system="Linux", kind=DeviceKind.DESKTOP),
        network="203.0.113.0/24",
    )


async def a_stored_user(store: Store, user: User | None = None) -> User:
    user = user or a_user()
    async with store.begin() as work:
        await work.users.add(user)
        await work.commit()
    return user


async def a_stored_session(store: Store, user: User | None = None) -> tuple[Session, SessionSecret]:
    user = user or await a_stored_user(store)
    secret = SessionSecret(secrets.token_bytes(32))
    async with store.begin() as work:
        opened = await work.sessions.open(a_new_session(user, secret))
        await work.commit()
    assert opened is not None
    return opened.session, secret


HERE = Trace(network="203.0.113.0/24", digests=(b"here----",))


async def a_stored_key(store: Store, key: SigningKey) -> SigningKey:
    """In the ring, and signing from now on."""
    async with store.begin() as work:
        ring = (await work.signing_keys.lock()).announce(key)
        assert ring.announced is not None
        started = ring.announced.start(ring.as_of)
        await work.signing_keys.save(ring.replaced(started))
        await work.commit()
    return started


def a_token(session: Session, secret: SessionSecret, *, counter: int = 0) -> PresentedRefreshToken:
    return PresentedRefreshToken(session_id=session.id, counter=counter, secret=secret)


def claims_of(access_token: str) -> dict[str, Any]:
    """Unverified."""
    payload = access_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def feed_entry(access_token: str) -> str:
    """What the revocation feed calls its session, as docs/revocation-feed.md says it."""
    digest = hashlib.sha256(claims_of(access_token)["sid"].encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
