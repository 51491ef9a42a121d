"""names and emails of users, what they agree to; exports of scans

Revision: 0014, after 0015
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TEXTS = ("first_name", "last_name", "email", "email_key", "language")


def upgrade() -> None:
    for name in TEXTS:
        op.add_column("user_account", sa.Column(name, sa.String(), nullable=True))
    op.add_column("user_account", sa.Column("updated_at_us", sa.BigInteger(), nullable=True))
    op.create_index("uq_user_account_email", "user_account", ["email_key"], unique=True)
    _consents()
    _exports()


def _consents() -> None:
    op.create_table(
        "consent",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("agreed_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_consent_customer_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_consent_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("user_id", "document", "version", name="uq_consent_version"),
    )
    op.create_index("ix_consent_user", "consent", ["user_id", "agreed_at_us"])


def _exports() -> None:
    op.create_table(
        "export_task",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("layout", sa.String(32), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("requested_at_us", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("completed_at_us", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", ID, nullable=True),
        sa.Column("lease_until_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_export_task_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_task")),
    )
    op.create_index("ix_export_task_customer", "export_task", ["customer_id", "id"])
    op.create_index("ix_export_task_status", "export_task", ["status", "lease_until_us"])


def downgrade() -> None:
    op.drop_table("export_task")
    op.drop_table("consent")
    op.drop_index("uq_user_account_email", "user_account")
    for name in ("updated_at_us", *reversed(TEXTS)):
        op.drop_column("user_account", name)
