"""Where alembic starts. The connection, its transaction and its lock are the caller's."""

from alembic import context
from sqlalchemy.dialects.postgresql.base import ischema_names

from adapters.sql.schema import Xid8, metadata

ischema_names["xid8"] = Xid8  # so that the comparison with what is there knows it

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
