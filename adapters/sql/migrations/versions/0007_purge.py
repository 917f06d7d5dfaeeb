"""Indexes by which the purge finds what ended, or was opened, long ago."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NOT_ENDED, _ENDED = sa.text("ended_at IS NULL"), sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_sessions_created_at_id", "sessions", ["created_at", "id"], postgresql_where=_NOT_ENDED, sqlite_where=_NOT_ENDED
    )
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"], postgresql_where=_ENDED, sqlite_where=_ENDED)


def downgrade() -> None:
    op.drop_index("ix_sessions_ended_at", "sessions")
    op.drop_index("ix_sessions_created_at_id", "sessions")
