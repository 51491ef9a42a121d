"""How long what is kept, by the settings, and what is kept for ever and why.

A test holds this file to every table that there is: docs/retention.md tells it to people."""

from collections.abc import Mapping
from typing import Final

from domain.fleet.repository import commands, devices, records, telemetry
from domain.gateways.repository import packages
from domain.identity.oauth import repository as oauth
from domain.jobs.exports import repository as exports
from domain.journal import repository as journal
from domain.journal.retirement import retire
from domain.kernel import eventlog
from domain.kernel.retention import Pace, Remove, Retention, Trimmed, Trimmer, by_session
from domain.kernel.uow import UnitOfWork
from domain.production.repository import gateway_scans, scans
from domain.software.repository import targets
from domain.sync.holding import QueueHold
from domain.sync.passes import SyncRunner
from domain.sync.repository import intake
from oktograph.core import Core
from oktograph.settings import Settings

MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0
DAY_S: Final = 24 * HOUR_S

MADE: Final = "what was made is what the platform is for"
SMALL: Final = "one row for each thing that people set up"
FOR_EVER: Final[Mapping[str, str]] = {
    "bottle": MADE,
    "batch": MADE,
    "pallet": MADE,
    "containment": MADE,
    "trace_event": MADE,
    "production_rollup": "a row for a line and a quarter: totals outlive what they count",
    "scan_rollup": "a row for a line and an hour: totals outlive what they count",
    "number_sequence": "running numbers must not begin again",
    "retired_thing_name": "its certificate may be shown again at any time (domain/gateways)",
    "rollout": "who rolled out what is few rows and asked for years later",
    "rollout_group": "goes with its rollout",
    "rollout_target": "how each device fared goes with its rollout",
    "desired_configuration": "every version can be rolled back to",
    "reported_configuration": "the last report of each device",
    "executed_command": "an edge keeps its last 1,000 (drivers/factory/ledger.py)",
    **dict.fromkeys(
        ("buffer_batch", "buffer_item"),
        "what was consumed must not be consumed again: it goes when people clear it",
    ),
    "installed_software": "the last report of each device and application",
    "release_target": "goes with its release",
    "device_session": "goes when the session ends",
    "printer_template": "set up by people, at most 200 a printer",
    "alarm": "one row for each thing that can be wrong with a device or a line",
    "event_log_state": "one row",
    "event_log_reader": "one row for each reader",
    **dict.fromkeys(
        (
            "api_key",
            "application",
            "catalog_cloud_endpoint",
            "catalog_site",
            "catalog_variant",
            "connection",
            "consent",
            "customer",
            "device",
            "device_config_file",
            "device_group",
            "device_group_member",
            "edge_state",
            "endpoint_filter",
            "fleet_connection_settings",
            "gateway",
            "job_configuration",
            "job_gateway",
            "job_list",
            "line_override",
            "oauth_client",
            "provisioning",
            "software_release",
            "upgrade_edge",
            "user_account",
            "worn_scanner",
        ),
        SMALL,
    ),
}


def retentions(settings: Settings) -> list[Retention]:
    """Named by their tables. One that is to be kept for ever (0) is left out."""
    kept: dict[str, tuple[float, Remove]] = {
        "event_log": (settings.log_retention_h * HOUR_S, _trim_log),
        "scan": (settings.scan_retention_days * DAY_S, by_session(scans.trim)),
        "export_task": (settings.export_retention_days * DAY_S, by_session(exports.trim)),
        "gateway_scan": (settings.scan_retention_days * DAY_S, by_session(gateway_scans.trim)),
        **_of_devices(settings),
        "rollout_step": (settings.update_retention_days * DAY_S, by_session(targets.trim_steps)),
        "journal_event": (settings.journal_retention_days * DAY_S, by_session(journal.trim)),
        "sync_conflict": (
            settings.journal_retention_days * DAY_S,
            by_session(intake.trim_conflicts),
        ),
        "audit_entry": (settings.audit_retention_days * DAY_S, retire),
        **_of_grants(settings),
        # It holds a private key: it goes as soon as its link has ended.
        "provisioning_package": (MINUTE_S, by_session(packages.trim)),
    }
    return [Retention(name, keep_s, remove) for name, (keep_s, remove) in kept.items() if keep_s]


def _of_devices(settings: Settings) -> dict[str, tuple[float, Remove]]:
    commands_s = settings.command_retention_days * DAY_S
    telemetry_s = settings.telemetry_retention_days * DAY_S
    return {
        "device_command": (commands_s, by_session(commands.trim)),
        "command_bulk": (commands_s, by_session(commands.trim_bulks)),
        "device_status_change": (
            settings.device_status_retention_days * DAY_S,
            by_session(devices.trim_changes),
        ),
        "device_log": (settings.device_log_retention_days * DAY_S, by_session(records.trim_logs)),
        "telemetry": (telemetry_s, by_session(telemetry.trim_points)),
        "telemetry_series": (telemetry_s, by_session(telemetry.trim_series)),
        "telemetry_rollup": (telemetry_s, by_session(telemetry.trim_hours)),
    }


def _of_grants(settings: Settings) -> dict[str, tuple[float, Remove]]:
    """Refresh tokens first: their grants go after them."""
    keep_s = settings.grant_retention_days * DAY_S
    return {
        "oauth_refresh_token": (keep_s, by_session(oauth.trim_refresh_tokens)),
        "oauth_grant": (keep_s, by_session(oauth.trim_grants)),
        "oauth_revoked_token": (keep_s, by_session(oauth.trim_revoked)),
    }


def trimmer(core: Core, runner: SyncRunner, pace: Pace) -> Trimmer:
    """For all that a process has; `runner` is that of its queue."""
    kept = retentions(core.settings)
    hold_s = core.settings.queue_retention_days * DAY_S
    if hold_s:
        # First, so that the log behind it can go in the same round.
        kept.insert(0, QueueHold(runner, core.customer.id).retention(hold_s))
    return Trimmer(core.transactions, kept, pace)


async def _trim_log(work: UnitOfWork, before_us: int, limit: int) -> Trimmed:
    floor = await eventlog.floor(work.session)
    rows = await eventlog.trim(work.session, before_us, limit) - floor
    return Trimmed(rows, more=rows >= limit)
