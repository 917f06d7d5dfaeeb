"""The times of a signing key's life."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIMES = ("signs_from", "signs_until", "verifies_until", "disarmed_at", "compromised_at")


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("signing_keys", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE signing_keys SET signs_from = created_at")  # until now each key signed as soon as it was made


def downgrade() -> None:
    with op.batch_alter_table("signing_keys") as table:
        for name in reversed(_TIMES):
            table.drop_column(name)
