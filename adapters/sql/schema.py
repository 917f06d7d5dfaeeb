"""The tables. The history in migrations/ leads here, and a test compares the two."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    false,
    text,
)
from sqlalchemy.types import UserDefinedType


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, on SQLite too, where the zone is not stored."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's id of a transaction, which is never given again."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID8"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", String(64), nullable=False),
    Column("username_key", String(64), nullable=False, unique=True),
    Column("email", String(254), nullable=False),
    Column("email_verified_at", UtcDateTime),
    Column("password_hash", Text, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("generation", Integer, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("rotated_at", UtcDateTime, nullable=False),
    Column("access_until", UtcDateTime, nullable=False),
    Column("outcome", String(16)),  # of the last rotation, written by the statement that decides it
    Column("ended_at", UtcDateTime),
    Column("end_reason", String(32)),
    Column("authenticated_by", String(16), nullable=False, server_default="password"),
    Column("browser", String(64)),
    Column("system", String(64)),
    Column("device_kind", String(16), nullable=False, server_default="other"),
    Column("network", String(43)),
    Column("made_by", LargeBinary),  # the id of the key that made the newest refresh token
    Column("seen_at", UtcDateTime),
    Column("rotated_from", LargeBinary),  # a digest of the origin of the last rotation
    Column("strayed", Boolean, nullable=False, server_default=false()),  # that rotation was repeated from another origin
    Column("strays", Integer, nullable=False, server_default="0"),  # rotations in a row that were
)

# Not `rotated_at`: an index over what each rotation writes would cost each rotation an entry of its own.
_not_ended = text("ended_at IS NULL")
Index("ix_sessions_user_id_id", sessions.c.user_id, sessions.c.id, postgresql_where=_not_ended, sqlite_where=_not_ended)
# What the purge looks for: what has ended, by when, and what has not, by when it was opened.
Index("ix_sessions_created_at_id", sessions.c.created_at, sessions.c.id, postgresql_where=_not_ended, sqlite_where=_not_ended)
_ended = text("ended_at IS NOT NULL")
Index("ix_sessions_ended_at", sessions.c.ended_at, postgresql_where=_ended, sqlite_where=_ended)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(43), primary_key=True),
    Column("ordinal", Integer, nullable=False, unique=True),
    Column("algorithm", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("signs_from", UtcDateTime),
    Column("signs_until", UtcDateTime),
    Column("verifies_until", UtcDateTime),
    Column("disarmed_at", UtcDateTime),
    Column("compromised_at", UtcDateTime),
)

key_ring = Table(
    "key_ring",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # of one row; who changes a key locks it
    Column("generation", BigInteger, nullable=False),
)

revocations = Table(
    "revocations",
    metadata,
    # Never given again, also after a purge: a reader's position would skip what took its place.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("xid", Xid8().with_variant(BigInteger, "sqlite")),  # of the transaction that revoked; PostgreSQL's default
    Column("session_id", Uuid),
    Column("kid", String(43)),
    Column("until", UtcDateTime, nullable=False, index=True),
    Index("ix_revocations_xid_id", "xid", "id"),
    sqlite_autoincrement=True,
)

revocation_feed = Table(
    "revocation_feed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # of one row
    Column("epoch", String(32), nullable=False),  # of this database: positions of another are void
)

# Times here are microseconds since 1970: both databases reckon with them, and each hit is one statement.
throttle = Table(
    "throttle",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("due_at", BigInteger, nullable=False, index=True),
    Column("allowed", Boolean, nullable=False),  # the last hit, written by the statement that decides it
)

_forgettable = text("account LIKE '~%' OR account LIKE 'device:%'")  # at a name that nobody has, and of devices

attempts = Table(
    "attempts",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("reserved_until", BigInteger, nullable=False),
    Column("free_at", BigInteger, nullable=False),
    Column("admission", String(16), nullable=False),  # of the last attempt
    Column("devices", Integer, nullable=False, server_default="0"),  # that have logged in
    Index("ix_attempts_reserved_until", "reserved_until", postgresql_where=_forgettable, sqlite_where=_forgettable),
)

clients = Table(
    "clients",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    # Never given again; and the order in which a database with one writer seals.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("xid", Xid8().with_variant(BigInteger, "sqlite"), nullable=False),  # of the transaction; PostgreSQL's default
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("agent", String(16), nullable=False),
    Column("client", String(64)),
    Column("user_id", Uuid),  # no foreign key: the record outlives the account
    Column("session_id", Uuid),
    Column("target", String(64)),
    Column("times", Integer, nullable=False),
    Column("detail_digest", LargeBinary),
    Index("ix_audit_entries_xid_id", "xid", "id"),
    Index("ix_audit_entries_user_id_id", "user_id", "id"),
    sqlite_autoincrement=True,
)

audit_details = Table(
    "audit_details",
    metadata,
    Column("entry_id", ForeignKey("audit_entries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("detail", Text, nullable=False),
)

audit_failures = Table(
    "audit_failures",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(32), nullable=False),
    Column("user_id", Uuid),
    Column("origin", Text),
    Column("entered", Boolean, nullable=False, server_default=false()),
)

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("era", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("sealed_at", UtcDateTime, nullable=False),
    Column("entries_digest", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),  # of the last seal that was pruned
    Column("era", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Column("pruned_at", UtcDateTime, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
