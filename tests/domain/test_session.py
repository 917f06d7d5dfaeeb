from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.session import Lifetimes, Session, SessionId, SessionSecret
from domain.user import UserId

AT = datetime(2026, 11, 24, tzinfo=UTC)
SESSION = Session(
    id=SessionId(UUID(int=1)),
    user_id=UserId(UUID(int=2)),
    generation=0,
    secret_digest=b"",
    created_at=AT,
    rotated_at=AT,
    access_until=AT + timedelta(minutes=15),
)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=60))


@given(spans, spans, spans, spans)
def test_rt09_no_access_token_outlives_its_session(
    idle: timedelta, absolute: timedelta, rotated: timedelta, access: timedelta
) -> None:
    lifetimes = Lifetimes(access=access, idle=idle, absolute=absolute)
    session = replace(SESSION, rotated_at=AT + rotated, access_until=AT + rotated + access)

    assert session.has_expired(max(session.access_expires_at(lifetimes), AT), lifetimes) or (
        session.access_expires_at(lifetimes) == session.access_until
    )


def test_idle_life_counts_from_the_last_rotation_and_absolute_life_from_the_log_in() -> None:
    lifetimes = Lifetimes(idle=timedelta(days=7), absolute=timedelta(days=30))
    rotated = replace(SESSION, rotated_at=AT + timedelta(days=28))

    assert not SESSION.has_expired(AT + timedelta(days=6), lifetimes)
    assert SESSION.has_expired(AT + timedelta(days=7), lifetimes)
    assert not rotated.has_expired(AT + timedelta(days=29), lifetimes)
    assert rotated.has_expired(AT + timedelta(days=30), lifetimes)


def test_a_secret_does_not_show_itself() -> None:
    assert "63" not in repr(SessionSecret(b"c" * 32))
    assert "c" * 8 not in repr(SessionSecret(b"c" * 32))
