"""The index by which the purge finds names that nobody has, and devices, at which nobody has tried for long."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_FORGETTABLE = sa.text("account LIKE '~%' OR account LIKE 'device:%'")


def upgrade() -> None:
    op.create_index(
        "ix_attempts_reserved_until",
        "attempts",
        ["reserved_until"],
        postgresql_where=_FORGETTABLE,
        sqlite_where=_FORGETTABLE,
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_reserved_until", "attempts")
