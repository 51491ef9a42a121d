"""when the earliest scan of an hour was read, and its greatest id: a list of old reads need not
pass all newer ones

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Anything may have been read by the hours that are there: to find out would read every scan.
    No id of theirs is above the customer's last."""
    first_read = sa.Column("first_read_us", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("scan_rollup", first_read)
    op.add_column("scan_rollup", sa.Column("last_scan_id", ID, nullable=True))
    op.create_index("ix_scan_rollup_hour", "scan_rollup", ["customer_id", "hour_us"])
    last = "SELECT id FROM scan s WHERE s.customer_id = r.customer_id ORDER BY id DESC LIMIT 1"
    op.execute(f"UPDATE scan_rollup AS r SET last_scan_id = ({last})")  # noqa: S608


def downgrade() -> None:
    op.drop_index("ix_scan_rollup_hour", "scan_rollup")
    op.drop_column("scan_rollup", "last_scan_id")
    op.drop_column("scan_rollup", "first_read_us")
