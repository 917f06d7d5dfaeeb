"""Which key made a session's newest refresh token, so that it is known when an old value of the secret may go."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("made_by", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "made_by")
