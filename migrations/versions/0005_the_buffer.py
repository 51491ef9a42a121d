"""batch accounting: the buffer that codes are checked against

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "buffer_batch",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("consumed", sa.Integer(), nullable=False),
        sa.Column("loaded_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_buffer_batch_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("pk_buffer_batch")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_buffer_batch_identifier", "buffer_batch", ["customer_id", "identifier"])
    op.create_table(
        "buffer_item",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.String(14), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("bottle_id", ID, nullable=False),
        sa.Column("consumed_at_us", sa.BigInteger(), nullable=True),
        sa.Column("consumed_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id", "batch_id"],
            ["buffer_batch.customer_id", "buffer_batch.id"],
            name="fk_buffer_item_batch",
        ),
        sa.PrimaryKeyConstraint("customer_id", "gtin", "serial", name=op.f("pk_buffer_item")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_buffer_item_batch", "buffer_item", ["customer_id", "batch_id"])


def downgrade() -> None:
    op.drop_table("buffer_item")
    op.drop_table("buffer_batch")
