"""gateways, the scanners that people wear, provisioning packages

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _gateways()
    _retired_names()
    _scanners()
    op.create_table(
        "provisioning_package",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("gateway_id", ID, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_provisioning_package_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateway.id"], name=op.f("fk_provisioning_package_gateway_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_package")),
    )
    op.create_index("ix_provisioning_package_expiry", "provisioning_package", ["expires_at_us"])


def _gateways() -> None:
    op.create_table(
        "gateway",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("thing_name", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(128), nullable=True),
        sa.Column("usecase", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("manufacturer", sa.String(), nullable=True),
        sa.Column("firmware", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("connectivity", sa.String(), nullable=False),
        sa.Column("last_message_at_us", sa.BigInteger(), nullable=True),
        sa.Column("last_scan_at_us", sa.BigInteger(), nullable=True),
        sa.Column("prepared_at_us", sa.BigInteger(), nullable=True),
        sa.Column("token_mac", sa.String(64), nullable=True),
        sa.Column("token_expires_at_us", sa.BigInteger(), nullable=True),
        sa.Column("provisioned_at_us", sa.BigInteger(), nullable=True),
        sa.Column("certificate_serial", sa.String(64), nullable=True),
        sa.Column("certificate_fingerprint", sa.String(64), nullable=True),
        sa.Column("certificate_expires_at_us", sa.BigInteger(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_gateway_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway")),
        sa.UniqueConstraint("customer_id", "name", name="uq_gateway_name"),
        sa.UniqueConstraint("customer_id", "serial", name="uq_gateway_serial"),
        sa.UniqueConstraint("thing_name", name="uq_gateway_thing_name"),
        sa.UniqueConstraint("token_mac", name="uq_gateway_token_mac"),
    )
    op.create_index("ix_gateway_customer", "gateway", ["customer_id", "id"])
    op.create_index("ix_gateway_told", "gateway", ["connectivity", "last_message_at_us"])


def _retired_names() -> None:
    op.create_table(
        "retired_thing_name",
        sa.Column("thing_name", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("gateway_id", ID, nullable=False),
        sa.Column("retired_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_retired_thing_name_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateway.id"], name=op.f("fk_retired_thing_name_gateway_id")
        ),
        sa.PrimaryKeyConstraint("thing_name", name=op.f("pk_retired_thing_name")),
    )


def _scanners() -> None:
    op.create_table(
        "worn_scanner",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(128), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("battery", sa.Integer(), nullable=True),
        sa.Column("firmware", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("manufacturer", sa.String(), nullable=True),
        sa.Column("gateway_id", ID, nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_activity_at_us", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_worn_scanner_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateway.id"], name=op.f("fk_worn_scanner_gateway_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worn_scanner")),
        sa.UniqueConstraint("customer_id", "serial", name="uq_worn_scanner_serial"),
    )
    op.create_index("ix_worn_scanner_customer", "worn_scanner", ["customer_id", "id"])


def downgrade() -> None:
    for table in ("provisioning_package", "worn_scanner", "retired_thing_name", "gateway"):
        op.drop_table(table)
