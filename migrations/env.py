"""Run by Alembic: on the connection that `migrations.upgrade` hands in."""

from alembic import context
from sqlmodel import SQLModel

import migrations.tables  # noqa: F401 - fills the metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    # SQLite changes a column by copying its table.
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
