"""OAuth clients, grants and refresh tokens; API keys

Revision: 0010, after 0007
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _clients()
    _grants()
    op.create_table(
        "oauth_revoked_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_revoked_token")),
    )
    op.create_index("ix_oauth_revoked_token_expiry", "oauth_revoked_token", ["expires_at_us"])
    _api_keys()


def _clients() -> None:
    op.create_table(
        "oauth_client",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_mac", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("grant_types", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("secret_changed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at_us", sa.BigInteger(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_oauth_client_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_oauth_client_client_id")),
    )
    op.create_index(op.f("ix_oauth_client_customer_id"), "oauth_client", ["customer_id"])


def _grants() -> None:
    op.create_table(
        "oauth_grant",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("client_row_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("user_generation", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_us", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_oauth_grant_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["client_row_id"], ["oauth_client.id"], name=op.f("fk_oauth_grant_client_row_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_oauth_grant_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_grant")),
    )
    op.create_index("ix_oauth_grant_client", "oauth_grant", ["client_row_id", "ended_at_us"])
    op.create_index("ix_oauth_grant_expiry", "oauth_grant", ["expires_at_us"])
    op.create_table(
        "oauth_refresh_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("grant_id", ID, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.Column("issued_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("used_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["oauth_grant.id"], name=op.f("fk_oauth_refresh_token_grant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_refresh_token")),
        sa.UniqueConstraint("mac", name=op.f("uq_oauth_refresh_token_mac")),
    )
    op.create_index("ix_oauth_refresh_token_grant", "oauth_refresh_token", ["grant_id"])
    op.create_index("ix_oauth_refresh_token_expiry", "oauth_refresh_token", ["expires_at_us"])


def _api_keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("last_used_at_us", sa.BigInteger(), nullable=True),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_us", sa.BigInteger(), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_api_key_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("mac", name=op.f("uq_api_key_mac")),
    )
    op.create_index(op.f("ix_api_key_customer_id"), "api_key", ["customer_id"])


def downgrade() -> None:
    for table in (
        "api_key",
        "oauth_revoked_token",
        "oauth_refresh_token",
        "oauth_grant",
        "oauth_client",
    ):
        op.drop_table(table)
