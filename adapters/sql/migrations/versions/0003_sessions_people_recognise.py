"""What a session remembers for its user to recognise it, and for shadowing to be found."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NOT_ENDED = sa.text("ended_at IS NULL")


def _columns() -> tuple[sa.Column[Any], ...]:
    """Each may be missing from what an older version of the program inserts."""
    return (
        sa.Column("authenticated_by", sa.String(16), nullable=False, server_default="password"),
        sa.Column("browser", sa.String(64), nullable=True),
        sa.Column("system", sa.String(64), nullable=True),
        sa.Column("device_kind", sa.String(16), nullable=False, server_default="other"),
        sa.Column("network", sa.String(43), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotated_from", sa.LargeBinary(), nullable=True),
        sa.Column("strayed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("strays", sa.Integer(), nullable=False, server_default="0"),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column("sessions", column)
    op.create_index(
        "ix_sessions_user_id_id", "sessions", ["user_id", "id"], postgresql_where=_NOT_ENDED, sqlite_where=_NOT_ENDED
    )


def downgrade() -> None:
    op.drop_index("ix_sessions_user_id_id", "sessions")
    for column in reversed(_columns()):
        op.drop_column("sessions", column.name)
