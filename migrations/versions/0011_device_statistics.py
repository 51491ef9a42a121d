"""what devices measure in sums, when they were last seen, what people tell with a change

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

HOUR_US = 3_600_000_000


def upgrade() -> None:
    op.add_column("device", sa.Column("last_seen_at_us", sa.BigInteger(), nullable=True))
    op.execute("UPDATE device SET last_seen_at_us = last_heartbeat_at_us")
    op.add_column("device_status_change", sa.Column("details", sa.Text(), nullable=True))
    op.add_column("desired_configuration", sa.Column("details", sa.Text(), nullable=True))
    op.create_index("ix_device_status_change_time", "device_status_change", ["device_id", "at_us"])
    op.create_index("ix_telemetry_device", "telemetry", ["device_id", "measured_at_us"])
    op.create_index("ix_journal_event_source", "journal_event", ["customer_id", "source", "id"])
    _create_series()
    _create_rollup()
    _fill()


def _create_series() -> None:
    op.create_table(
        "telemetry_series",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("measured_at_us", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_telemetry_series_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "metric", name=op.f("pk_telemetry_series")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_telemetry_series_time", "telemetry_series", ["measured_at_us"])


def _create_rollup() -> None:
    op.create_table(
        "telemetry_rollup",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("hour_us", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_telemetry_rollup_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "hour_us", name=op.f("pk_telemetry_rollup")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_telemetry_rollup_time", "telemetry_rollup", ["hour_us"])


def _fill() -> None:
    """From the points that are there."""
    op.execute(
        """INSERT INTO telemetry_series
             (device_id, metric, customer_id, points, measured_at_us, value)
           SELECT last.device_id, last.metric, point.customer_id, last.points,
                  last.measured_at_us, point.value
           FROM (SELECT device_id, metric, count(*) AS points,
                        max(measured_at_us) AS measured_at_us
                 FROM telemetry GROUP BY device_id, metric) AS last
           JOIN telemetry AS point ON point.device_id = last.device_id
             AND point.metric = last.metric AND point.measured_at_us = last.measured_at_us"""
    )
    op.execute(
        f"""INSERT INTO telemetry_rollup (device_id, hour_us, customer_id, points)
            SELECT device_id, measured_at_us - measured_at_us % {HOUR_US}, min(customer_id),
                   count(*)
            FROM telemetry GROUP BY 1, 2"""  # noqa: S608 - a constant of this file
    )


def downgrade() -> None:
    op.drop_table("telemetry_rollup")
    op.drop_table("telemetry_series")
    op.drop_index("ix_journal_event_source", "journal_event")
    op.drop_index("ix_telemetry_device", "telemetry")
    op.drop_index("ix_device_status_change_time", "device_status_change")
    op.drop_column("desired_configuration", "details")
    op.drop_column("device_status_change", "details")
    op.drop_column("device", "last_seen_at_us")
