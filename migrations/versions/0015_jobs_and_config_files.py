"""what jobs begin and end with; files that devices are configured by

Revision: 0015, after 0013
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _configurations()
    _gateways_and_list()
    _files()


def _configurations() -> None:
    op.create_table(
        "job_configuration",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("start_barcode", sa.String(256), nullable=False),
        sa.Column("end_barcode", sa.String(256), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_job_configuration_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_configuration")),
        sa.UniqueConstraint("customer_id", "name", name="uq_job_configuration_name"),
        sa.UniqueConstraint("customer_id", "id", name="uq_job_configuration_customer"),
    )


def _gateways_and_list() -> None:
    op.create_table(
        "job_gateway",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("configuration_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id", "configuration_id"],
            ["job_configuration.customer_id", "job_configuration.id"],
            name="fk_job_gateway_configuration",
        ),
        sa.PrimaryKeyConstraint(
            "customer_id", "configuration_id", "position", name=op.f("pk_job_gateway")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_list",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_job_list_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_job_list")),
    )


def _files() -> None:
    op.create_table(
        "device_config_file",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_device_config_file_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_config_file")),
        sa.UniqueConstraint("customer_id", "identifier", name="uq_device_config_file_identifier"),
    )


def downgrade() -> None:
    op.drop_table("device_config_file")
    op.drop_table("job_list")
    op.drop_table("job_gateway")
    op.drop_table("job_configuration")
