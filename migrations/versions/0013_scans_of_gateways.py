"""what gateways tell with their scans

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gateway_scan",
        sa.Column("scan_id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("occurred_at_us", sa.BigInteger(), nullable=False),
        sa.Column("gateway_id", ID, nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("usecase", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("symbology", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("device_battery", sa.Integer(), nullable=True),
        sa.Column("device_firmware", sa.String(), nullable=True),
        sa.Column("device_temperature", sa.Float(), nullable=True),
        sa.Column("worker_steps", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_gateway_scan")),
        sa.UniqueConstraint("gateway_id", "event_id", name="uq_gateway_scan_event"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_gateway_scan_gateway", "gateway_scan", ["gateway_id", "occurred_at_us", "scan_id"]
    )


def downgrade() -> None:
    op.drop_table("gateway_scan")
