"""printer templates

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "printer_template",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("printer_index", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_printer_template_customer_id")
        ),
        sa.PrimaryKeyConstraint(
            "customer_id", "printer_index", "name", name=op.f("pk_printer_template")
        ),
    )


def downgrade() -> None:
    op.drop_table("printer_template")
