"""the edge

Revision: 0001, after nothing
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "containment",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("child_id", ID, nullable=False),
        sa.Column("child_kind", sa.String(), nullable=False),
        sa.Column("parent_id", ID, nullable=False),
        sa.Column("parent_kind", sa.String(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_containment")),
    )
    with op.batch_alter_table("containment", schema=None) as batch_op:
        batch_op.create_index("ix_containment_child", ["child_id", "from_us"], unique=False)
        batch_op.create_index("ix_containment_parent", ["parent_id", "from_us"], unique=False)
        batch_op.create_index(
            "uq_containment_open",
            ["child_id"],
            unique=True,
            sqlite_where=sa.text("until_us IS NULL"),
            postgresql_where=sa.text("until_us IS NULL"),
        )

    op.create_table(
        "customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_customer_public_id")),
    )
    op.create_table(
        "event_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("occurred_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event_log")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event_log_reader",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_log_reader")),
    )
    op.create_table(
        "event_log_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.String(), nullable=False),
        sa.Column("floor_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_log_state")),
    )
    op.create_table(
        "number_sequence",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "name", name=op.f("pk_number_sequence")),
    )
    op.create_table(
        "scan",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.Column("gtin", sa.String(14), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("bottle_id", ID, nullable=True),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("scanner_index", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("scanned_at_us", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("scan", schema=None) as batch_op:
        batch_op.create_index(
            "ix_scan_bottle",
            ["bottle_id"],
            unique=False,
            sqlite_where=sa.text("bottle_id IS NOT NULL"),
            postgresql_where=sa.text("bottle_id IS NOT NULL"),
        )

    op.create_table(
        "scan_rollup",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("hour_us", sa.BigInteger(), nullable=False),
        sa.Column("scans", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("last_scan_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "line_id", "hour_us", name=op.f("pk_scan_rollup")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trace_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("other_id", ID, nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trace_event")),
    )
    with op.batch_alter_table("trace_event", schema=None) as batch_op:
        batch_op.create_index("ix_trace_event_subject", ["subject_id", "id"], unique=False)

    op.create_table(
        "connection",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("allow_switch", sa.Boolean(), nullable=False),
        sa.Column("last_sync_at_us", sa.BigInteger(), nullable=True),
        sa.Column("sync_errors", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("counted_seq", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_connection_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_connection")),
    )
    op.create_table(
        "journal_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("occurred_at_us", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at_us", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_journal_event_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_event")),
    )
    with op.batch_alter_table("journal_event", schema=None) as batch_op:
        batch_op.create_index("ix_journal_event_customer", ["customer_id", "id"], unique=False)
        batch_op.create_index(
            "ix_journal_event_open",
            ["customer_id", "id"],
            unique=False,
            sqlite_where=sa.text("acknowledged_at_us IS NULL"),
            postgresql_where=sa.text("acknowledged_at_us IS NULL"),
        )
        batch_op.create_index(
            "ix_journal_event_time", ["customer_id", "occurred_at_us"], unique=False
        )

    op.create_table(
        "pallet",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("sscc", sa.String(18), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sent_status", sa.String(), nullable=False),
        sa.Column("batch_count", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("completed_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_pallet_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pallet")),
        sa.UniqueConstraint("customer_id", "origin", "identifier", name="uq_pallet_identifier"),
        sa.UniqueConstraint("customer_id", "sscc", name="uq_pallet_sscc"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provisioning",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("device_identifier", sa.String(), nullable=True),
        sa.Column("device_name", sa.String(), nullable=True),
        sa.Column("device_mode", sa.String(), nullable=True),
        sa.Column("company_id", sa.String(), nullable=True),
        sa.Column("company_name", sa.String(), nullable=True),
        sa.Column("seq_number", sa.String(), nullable=True),
        sa.Column("industry", sa.String(), nullable=True),
        sa.Column("activated_at_us", sa.BigInteger(), nullable=True),
        sa.Column("user_token", sa.Text(), nullable=True),
        sa.Column("device_token", sa.Text(), nullable=True),
        sa.Column("attempt_id", ID, nullable=True),
        sa.Column("attempt_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_provisioning_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_provisioning")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at_us", sa.BigInteger(), nullable=True),
        sa.Column("token_generation", sa.Integer(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_user_account_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_account_customer_id"), ["customer_id"], unique=False
        )

    op.create_table(
        "batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sent_status", sa.String(), nullable=False),
        sa.Column("batch_size", sa.Integer(), nullable=True),
        sa.Column("bottle_count", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("product_id", sa.String(), nullable=True),
        sa.Column("party", sa.String(), nullable=True),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("pallet_id", ID, nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("completed_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_batch_customer_id")
        ),
        sa.ForeignKeyConstraint(["pallet_id"], ["pallet.id"], name=op.f("fk_batch_pallet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("customer_id", "origin", "identifier", name="uq_batch_identifier"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index("ix_batch_pallet", ["pallet_id"], unique=False)

    op.create_table(
        "bottle",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("gtin", sa.String(14), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("product_id", sa.String(), nullable=True),
        sa.Column("party", sa.String(), nullable=True),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("batch_id", ID, nullable=True),
        sa.Column("is_preprint", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_bottle_batch_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_bottle_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bottle")),
        sa.UniqueConstraint("customer_id", "gtin", "serial", name="uq_bottle_identity"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("bottle", schema=None) as batch_op:
        batch_op.create_index(
            "ix_bottle_batch",
            ["batch_id"],
            unique=False,
            sqlite_where=sa.text("batch_id IS NOT NULL"),
            postgresql_where=sa.text("batch_id IS NOT NULL"),
        )
        batch_op.create_index("ix_bottle_status", ["customer_id", "status", "id"], unique=False)
    # Which log this is: a cursor of another one must not be taken for one of ours.
    state = sa.table(
        "event_log_state", sa.column("id"), sa.column("log_id"), sa.column("floor_seq")
    )
    op.bulk_insert(state, [{"id": 1, "log_id": uuid4().hex[:12], "floor_seq": 0}])


def downgrade() -> None:
    with op.batch_alter_table("bottle", schema=None) as batch_op:
        batch_op.drop_index("ix_bottle_status")
        batch_op.drop_index(
            "ix_bottle_batch",
            sqlite_where=sa.text("batch_id IS NOT NULL"),
            postgresql_where=sa.text("batch_id IS NOT NULL"),
        )

    op.drop_table("bottle")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_pallet")

    op.drop_table("batch")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_account_customer_id"))

    op.drop_table("user_account")
    op.drop_table("provisioning")
    op.drop_table("pallet")
    with op.batch_alter_table("journal_event", schema=None) as batch_op:
        batch_op.drop_index("ix_journal_event_time")
        batch_op.drop_index(
            "ix_journal_event_open",
            sqlite_where=sa.text("acknowledged_at_us IS NULL"),
            postgresql_where=sa.text("acknowledged_at_us IS NULL"),
        )
        batch_op.drop_index("ix_journal_event_customer")

    op.drop_table("journal_event")
    op.drop_table("connection")
    with op.batch_alter_table("trace_event", schema=None) as batch_op:
        batch_op.drop_index("ix_trace_event_subject")

    op.drop_table("trace_event")
    op.drop_table("scan_rollup")
    with op.batch_alter_table("scan", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_scan_bottle",
            sqlite_where=sa.text("bottle_id IS NOT NULL"),
            postgresql_where=sa.text("bottle_id IS NOT NULL"),
        )

    op.drop_table("scan")
    op.drop_table("number_sequence")
    op.drop_table("event_log_state")
    op.drop_table("event_log_reader")
    op.drop_table("event_log")
    op.drop_table("customer")
    with op.batch_alter_table("containment", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_containment_open",
            sqlite_where=sa.text("until_us IS NULL"),
            postgresql_where=sa.text("until_us IS NULL"),
        )
        batch_op.drop_index("ix_containment_parent")
        batch_op.drop_index("ix_containment_child")

    op.drop_table("containment")
