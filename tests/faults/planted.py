"""A migration that a later release may bring: run as Portunus runs its own."""

import os
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from adapters.sql.engines import open_engine_for_migrations
from adapters.sql.migrate import newest_revision
from adapters.sql.migrations import versions

REVISION = "of_a_later_release"
# In the order in which statements lock the tables: one that holds the first then waits for no other that is held here.
_SOURCE = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{REVISION}", "{newest_revision()}", None, None


def upgrade():
    op.add_column("sessions", sa.Column("planted", sa.String(), nullable=True))
    op.add_column("users", sa.Column("planted", sa.Integer(), server_default="0", nullable=False))
    op.add_column("revocations", sa.Column("planted", sa.String(), nullable=True))
    op.create_table("planted", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade():
    op.drop_table("planted")
    for table in ("sessions", "users", "revocations"):
        op.drop_column(table, "planted")
"""


def plant(folder: Path) -> None:
    (folder / "planted.py").write_text(_SOURCE)


async def expand(url: str, folder: Path) -> None:
    await _run(url, folder, lambda config: command.upgrade(config, REVISION))


async def contract(url: str, folder: Path) -> None:
    await _run(url, folder, lambda config: command.downgrade(config, "-1"))


async def _run(url: str, folder: Path, act: Callable[[Config], object]) -> None:
    def on(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", "adapters.sql:migrations")
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", os.pathsep.join([*versions.__path__, str(folder)]))
        config.attributes["connection"] = connection
        act(config)

    engine = open_engine_for_migrations(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(on)
    finally:
        await engine.dispose()
