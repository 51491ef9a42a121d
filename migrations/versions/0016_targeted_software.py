"""software for endpoints: documents of releases, filters, what devices reported as installed

Revision: 0016, after 0011
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("software_release", sa.Column("specification", sa.Text(), nullable=True))
    op.add_column("software_release", sa.Column("release_metadata", sa.Text(), nullable=True))
    for name in ("is_targeted", "needs_file"):
        op.add_column(
            "software_release",
            sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()),
        )
    _create_filters()
    _create_targets()
    _create_installed()
    _fill()


def _create_filters() -> None:
    op.create_table(
        "endpoint_filter",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_endpoint_filter_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint_filter")),
        sa.UniqueConstraint("customer_id", "identifier", name="uq_endpoint_filter_identifier"),
    )


def _create_targets() -> None:
    op.create_table(
        "release_target",
        sa.Column("release_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("filter_identifier", sa.String(64), nullable=False),
        sa.Column("active_from_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["release_id"], ["software_release.id"], name=op.f("fk_release_target_release_id")
        ),
        sa.PrimaryKeyConstraint("release_id", "position", name=op.f("pk_release_target")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_release_target_filter", "release_target", ["customer_id", "filter_identifier"]
    )


def _create_installed() -> None:
    op.create_table(
        "installed_software",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("application", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("reported_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "application", name=op.f("pk_installed_software")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_installed_software_version",
        "installed_software",
        ["customer_id", "application", "version"],
    )


def _fill() -> None:
    """From the updates that devices reported to have installed, the last of each application."""
    op.execute(
        """INSERT INTO installed_software
             (device_id, application, customer_id, version, reported_at_us)
           SELECT device_id, application, customer_id, installed_version, updated_at_us
           FROM (SELECT target.device_id, rollout.application, target.customer_id,
                        target.installed_version, target.updated_at_us,
                        row_number() OVER (PARTITION BY target.device_id, rollout.application
                          ORDER BY target.updated_at_us DESC, target.id DESC) AS place
                 FROM rollout_target AS target
                 JOIN rollout ON rollout.id = target.rollout_id
                 WHERE target.installed_version IS NOT NULL) AS last
           WHERE place = 1"""
    )


def downgrade() -> None:
    op.drop_table("installed_software")
    op.drop_table("release_target")
    op.drop_table("endpoint_filter")
    with op.batch_alter_table("software_release") as batch:
        for name in ("needs_file", "is_targeted", "release_metadata", "specification"):
            batch.drop_column(name)
