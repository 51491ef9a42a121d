"""the factory

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import ID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "executed_command",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_us", sa.BigInteger(), nullable=True),
        sa.Column("reported_at_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executed_command")),
    )
    op.create_table(
        "production_rollup",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("slot_us", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("bottles", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("batches", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("batches_completed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pallets", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint(
            "customer_id", "slot_us", "origin", "line_id", name=op.f("pk_production_rollup")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "application",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_application_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("customer_id", "name", name="uq_application_name"),
    )
    op.create_table(
        "catalog_cloud_endpoint",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_catalog_cloud_endpoint_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_cloud_endpoint")),
        sa.UniqueConstraint("customer_id", "name", name="uq_catalog_cloud_endpoint"),
    )
    op.create_table(
        "catalog_site",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_catalog_site_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_site")),
        sa.UniqueConstraint("customer_id", "code", name="uq_catalog_site_code"),
    )
    op.create_table(
        "catalog_variant",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_catalog_variant_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_variant")),
        sa.UniqueConstraint("customer_id", "code", name="uq_catalog_variant_code"),
    )
    op.create_table(
        "command_bulk",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_command_bulk_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command_bulk")),
        sa.UniqueConstraint("group_id", "key", name="uq_command_bulk_key"),
    )
    op.create_table(
        "device",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=True),
        sa.Column("status_at_us", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.String(), nullable=True),
        sa.Column("reported", sa.String(), nullable=False),
        sa.Column("alive", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("manufacturer", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("connection_mode", sa.String(), nullable=True),
        sa.Column("firmware_version", sa.String(), nullable=True),
        sa.Column("last_heartbeat_at_us", sa.BigInteger(), nullable=True),
        sa.Column("queue_size", sa.BigInteger(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("token_generation", sa.Integer(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.Column("removed_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_device_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("customer_id", "number", name="uq_device_number"),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index("ix_device_alive", ["alive", "last_heartbeat_at_us"], unique=False)
        batch_op.create_index("ix_device_customer", ["customer_id", "id"], unique=False)
        batch_op.create_index(
            "uq_device_identifier",
            ["customer_id", "identifier"],
            unique=True,
            sqlite_where=sa.text("removed_at_us IS NULL"),
            postgresql_where=sa.text("removed_at_us IS NULL"),
        )

    op.create_table(
        "device_group",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_device_group_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_group")),
        sa.UniqueConstraint("customer_id", "name", name="uq_device_group_name"),
    )
    op.create_table(
        "fleet_connection_settings",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("default_mode", sa.String(), nullable=False),
        sa.Column("allow_device_override", sa.Boolean(), nullable=False),
        sa.Column("cloud_sync_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_fleet_connection_settings_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_fleet_connection_settings")),
    )
    op.create_table(
        "rollout",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("release_id", ID, nullable=False),
        sa.Column("application", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_by_id", sa.String(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("approval_required", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at_us", sa.BigInteger(), nullable=True),
        sa.Column("start_at_us", sa.BigInteger(), nullable=True),
        sa.Column("started_at_us", sa.BigInteger(), nullable=True),
        sa.Column("resumed_at_us", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_us", sa.BigInteger(), nullable=True),
        sa.Column("window_from_min", sa.Integer(), nullable=True),
        sa.Column("window_to_min", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("deadline_s", sa.Integer(), nullable=False),
        sa.Column("jitter_s", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("reject_rate_percent", sa.Float(), nullable=True),
        sa.Column("line_id", sa.String(), nullable=True),
        sa.Column("halt_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_rollout_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout")),
    )
    with op.batch_alter_table("rollout", schema=None) as batch_op:
        batch_op.create_index("ix_rollout_release", ["release_id"], unique=False)
        batch_op.create_index("ix_rollout_state", ["state"], unique=False)

    op.create_table(
        "sync_conflict",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_sync_conflict_customer_id")
        ),
        sa.PrimaryKeyConstraint(
            "customer_id", "origin", "item_id", "version", name=op.f("pk_sync_conflict")
        ),
    )
    op.create_table(
        "desired_configuration",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_desired_configuration_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "version", name=op.f("pk_desired_configuration")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "device_command",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("bulk_id", ID, nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_at_us", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_us", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at_us", sa.BigInteger(), nullable=True),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_device_command_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_command_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_command")),
        sa.UniqueConstraint("device_id", "key", name="uq_device_command_key"),
    )
    with op.batch_alter_table("device_command", schema=None) as batch_op:
        batch_op.create_index("ix_device_command_bulk", ["bulk_id"], unique=False)
        batch_op.create_index(
            "ix_device_command_open",
            ["device_id", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('QUEUED', 'SENT')"),
            postgresql_where=sa.text("state IN ('QUEUED', 'SENT')"),
        )

    op.create_table(
        "device_group_member",
        sa.Column("group_id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("added_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_group_member_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["device_group.id"], name=op.f("fk_device_group_member_group_id")
        ),
        sa.PrimaryKeyConstraint("group_id", "device_id", name=op.f("pk_device_group_member")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("device_group_member", schema=None) as batch_op:
        batch_op.create_index("ix_device_group_member_device", ["device_id"], unique=False)

    op.create_table(
        "device_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("logged_at_us", sa.BigInteger(), nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_log_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_log")),
    )
    with op.batch_alter_table("device_log", schema=None) as batch_op:
        batch_op.create_index("ix_device_log_device", ["device_id", "id"], unique=False)

    op.create_table(
        "device_session",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("process_id", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_session_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_session")),
    )
    with op.batch_alter_table("device_session", schema=None) as batch_op:
        batch_op.create_index("ix_device_session_seen", ["last_seen_at_us"], unique=False)

    op.create_table(
        "device_status_change",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_status_change_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_status_change")),
    )
    with op.batch_alter_table("device_status_change", schema=None) as batch_op:
        batch_op.create_index("ix_device_status_change_device", ["device_id", "id"], unique=False)

    op.create_table(
        "reported_configuration",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_reported_configuration_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_reported_configuration")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollout_group",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("success_percent", sa.Integer(), nullable=False),
        sa.Column("error_percent", sa.Integer(), nullable=False),
        sa.Column("accepted_errors", sa.Integer(), nullable=False),
        sa.Column("started_at_us", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_rollout_group_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollout.id"], name=op.f("fk_rollout_group_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_group")),
        sa.UniqueConstraint("rollout_id", "position", name="uq_rollout_group_position"),
    )
    op.create_table(
        "software_release",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("application_id", ID, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("filename", sa.String(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("signature", sa.String(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("object_key", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("published_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_software_release_application_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_software_release_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_software_release")),
        sa.UniqueConstraint(
            "customer_id", "application_id", "version", name="uq_software_release_version"
        ),
    )
    op.create_table(
        "telemetry",
        sa.Column("device_id", ID, nullable=False),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("measured_at_us", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_telemetry_device_id")),
        sa.PrimaryKeyConstraint("device_id", "metric", "measured_at_us", name=op.f("pk_telemetry")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("telemetry", schema=None) as batch_op:
        batch_op.create_index("ix_telemetry_time", ["measured_at_us"], unique=False)

    op.create_table(
        "rollout_target",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("rollout_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("not_before_us", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at_us", sa.BigInteger(), nullable=True),
        sa.Column("release_id", ID, nullable=True),
        sa.Column("installed_version", sa.String(), nullable=True),
        sa.Column("command_id", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_rollout_target_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["rollout_group.id"], name=op.f("fk_rollout_target_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollout.id"], name=op.f("fk_rollout_target_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_target")),
        sa.UniqueConstraint("rollout_id", "device_id", name="uq_rollout_target_device"),
    )
    with op.batch_alter_table("rollout_target", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rollout_target_device", ["customer_id", "device_id"], unique=False
        )
        batch_op.create_index(
            "ix_rollout_target_group", ["group_id", "state", "not_before_us"], unique=False
        )
        batch_op.create_index(
            "uq_rollout_target_in_flight",
            ["customer_id", "device_id"],
            unique=True,
            sqlite_where=sa.text(
                "state IN ('DISPATCHED', 'DOWNLOADING', 'VERIFYING', 'INSTALLING', 'REBOOTING')"
            ),
            postgresql_where=sa.text(
                "state IN ('DISPATCHED', 'DOWNLOADING', 'VERIFYING', 'INSTALLING', 'REBOOTING')"
            ),
        )

    op.create_table(
        "upgrade_edge",
        sa.Column("release_id", ID, nullable=False),
        sa.Column("from_version", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("is_downgrade", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_upgrade_edge_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["software_release.id"], name=op.f("fk_upgrade_edge_release_id")
        ),
        sa.PrimaryKeyConstraint("release_id", "from_version", name=op.f("pk_upgrade_edge")),
    )
    op.create_table(
        "rollout_step",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("report_key", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_rollout_step_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["rollout_target.id"], name=op.f("fk_rollout_step_target_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_step")),
        sa.UniqueConstraint("target_id", "report_key", name="uq_rollout_step_report"),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("accumulates", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("sync_version", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("pending_pallet_id", ID, nullable=True))
        batch_op.create_index(
            "ix_batch_pending_pallet",
            ["pending_pallet_id"],
            unique=False,
            sqlite_where=sa.text("pending_pallet_id IS NOT NULL"),
            postgresql_where=sa.text("pending_pallet_id IS NOT NULL"),
        )

    with op.batch_alter_table("bottle", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(), server_default="", nullable=False))
        batch_op.add_column(
            sa.Column("sync_version", sa.BigInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(sa.Column("pending_batch_id", ID, nullable=True))
        batch_op.create_index(
            "ix_bottle_pending_batch",
            ["pending_batch_id"],
            unique=False,
            sqlite_where=sa.text("pending_batch_id IS NOT NULL"),
            postgresql_where=sa.text("pending_batch_id IS NOT NULL"),
        )

    with op.batch_alter_table("pallet", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("accumulates", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("sync_version", sa.BigInteger(), server_default="0", nullable=False)
        )


def downgrade() -> None:

    with op.batch_alter_table("pallet", schema=None) as batch_op:
        batch_op.drop_column("accumulates")
        batch_op.drop_column("sync_version")

    with op.batch_alter_table("bottle", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_bottle_pending_batch",
            sqlite_where=sa.text("pending_batch_id IS NOT NULL"),
            postgresql_where=sa.text("pending_batch_id IS NOT NULL"),
        )
        batch_op.drop_column("pending_batch_id")
        batch_op.drop_column("sync_version")
        batch_op.drop_column("origin")

    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_column("accumulates")
        batch_op.drop_index(
            "ix_batch_pending_pallet",
            sqlite_where=sa.text("pending_pallet_id IS NOT NULL"),
            postgresql_where=sa.text("pending_pallet_id IS NOT NULL"),
        )
        batch_op.drop_column("pending_pallet_id")
        batch_op.drop_column("sync_version")

    op.drop_table("rollout_step")
    op.drop_table("upgrade_edge")
    with op.batch_alter_table("rollout_target", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rollout_target_in_flight",
            sqlite_where=sa.text(
                "state IN ('DISPATCHED', 'DOWNLOADING', 'VERIFYING', 'INSTALLING', 'REBOOTING')"
            ),
            postgresql_where=sa.text(
                "state IN ('DISPATCHED', 'DOWNLOADING', 'VERIFYING', 'INSTALLING', 'REBOOTING')"
            ),
        )
        batch_op.drop_index("ix_rollout_target_group")
        batch_op.drop_index("ix_rollout_target_device")

    op.drop_table("rollout_target")
    with op.batch_alter_table("telemetry", schema=None) as batch_op:
        batch_op.drop_index("ix_telemetry_time")

    op.drop_table("telemetry")
    op.drop_table("software_release")
    op.drop_table("rollout_group")
    op.drop_table("reported_configuration")
    with op.batch_alter_table("device_status_change", schema=None) as batch_op:
        batch_op.drop_index("ix_device_status_change_device")

    op.drop_table("device_status_change")
    with op.batch_alter_table("device_session", schema=None) as batch_op:
        batch_op.drop_index("ix_device_session_seen")

    op.drop_table("device_session")
    with op.batch_alter_table("device_log", schema=None) as batch_op:
        batch_op.drop_index("ix_device_log_device")

    op.drop_table("device_log")
    with op.batch_alter_table("device_group_member", schema=None) as batch_op:
        batch_op.drop_index("ix_device_group_member_device")

    op.drop_table("device_group_member")
    with op.batch_alter_table("device_command", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_device_command_open",
            sqlite_where=sa.text("state IN ('QUEUED', 'SENT')"),
            postgresql_where=sa.text("state IN ('QUEUED', 'SENT')"),
        )
        batch_op.drop_index("ix_device_command_bulk")

    op.drop_table("device_command")
    op.drop_table("desired_configuration")
    op.drop_table("sync_conflict")
    with op.batch_alter_table("rollout", schema=None) as batch_op:
        batch_op.drop_index("ix_rollout_state")
        batch_op.drop_index("ix_rollout_release")

    op.drop_table("rollout")
    op.drop_table("fleet_connection_settings")
    op.drop_table("device_group")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_device_identifier",
            sqlite_where=sa.text("removed_at_us IS NULL"),
            postgresql_where=sa.text("removed_at_us IS NULL"),
        )
        batch_op.drop_index("ix_device_customer")
        batch_op.drop_index("ix_device_alive")

    op.drop_table("device")
    op.drop_table("command_bulk")
    op.drop_table("catalog_variant")
    op.drop_table("catalog_site")
    op.drop_table("catalog_cloud_endpoint")
    op.drop_table("application")
    op.drop_table("production_rollup")
    op.drop_table("executed_command")
