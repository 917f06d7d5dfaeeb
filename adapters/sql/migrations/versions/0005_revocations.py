"""What services that verify offline are told of."""

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


class _Xid8(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "XID8"


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "revocations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column(
            "xid",
            _Xid8().with_variant(sa.BigInteger(), "sqlite"),
            nullable=True,
            server_default=sa.func.pg_current_xact_id() if postgresql else None,
        ),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("kid", sa.String(43), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revocations_until", "revocations", ["until"])
    op.create_index("ix_revocations_xid_id", "revocations", ["xid", "id"])
    feed = op.create_table(
        "revocation_feed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_feed"),
    )
    op.bulk_insert(feed, [{"id": 1, "epoch": secrets.token_hex(8)}])


def downgrade() -> None:
    op.drop_table("revocation_feed")
    op.drop_table("revocations")
