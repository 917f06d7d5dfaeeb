"""The generation of the key ring."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    made = op.create_table(
        "key_ring",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_ring"),
    )
    op.bulk_insert(made, [{"id": 1, "generation": 1}])


def downgrade() -> None:
    op.drop_table("key_ring")
