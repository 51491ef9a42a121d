"""Run by Alembic: on the connection that `migrations.upgrade` hands in."""

from typing import Any, Literal

from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import migrations.tables  # noqa: F401 - fills the metadata
from domain.kernel.columns import EnumText, IdColumn


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A revision must not change with the models, so it names plain types."""
    if kind == "type" and isinstance(item, IdColumn):
        return "ID"
    if kind == "type" and isinstance(item, EnumText):
        return "sa.String()"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length})" if item.length else "sa.String()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    # SQLite changes a column by copying its table.
    render_as_batch=True,
    compare_type=True,
    render_item=render_item,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
