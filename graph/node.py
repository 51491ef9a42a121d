"""`node(id)`: a global id back to its object."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import strawberry

from graph.catalog import resolvers as catalog
from graph.catalog.types import cloud_endpoint_type, site_type, variant_type
from graph.context import Context
from graph.fleet import resolvers as fleet
from graph.fleet import types as fleet_types
from graph.fleet.config_file_types import config_file_type
from graph.fleet.resolvers import config_files
from graph.gateways import resolvers as gateways
from graph.gateways.types import gateway_type, scanner_type
from graph.identity import program_types
from graph.identity import resolvers as identity
from graph.identity.types import user_type
from graph.info import Info
from graph.jobs import resolvers as jobs
from graph.jobs.export_types import export_task_type
from graph.jobs.types import configuration_type as job_configuration_type
from graph.journal import resolvers as journal
from graph.journal.types import audit_type, event_type
from graph.line import resolvers as line
from graph.line.alarm_types import alarm_type
from graph.pagination import Node, found, split_global_id
from graph.production import resolvers as production
from graph.production.trace_types import trace_event_type
from graph.production.types import batch_type, bottle_type, pallet_type, scan_type
from graph.software import resolvers as software
from graph.software import types as software_types
from graph.software.filter_types import filter_type

Finder = Callable[[Context, str], Awaitable[Node | None]]


def _finder(
    resolver: Callable[[Context, str], Awaitable[Any]], build: Callable[[Any], Node]
) -> Finder:
    async def find(context: Context, key: str) -> Node | None:
        return found(await resolver(context, key), build)

    return find


_FINDERS: Mapping[str, Finder] = {
    "Alarm": _finder(line.alarm, alarm_type),
    "ApiKey": _finder(identity.api_key, program_types.api_key_type),
    "Application": _finder(software.application, software_types.application_type),
    "AuditEntry": _finder(journal.audit_entry, audit_type),
    "Batch": _finder(production.batch, batch_type),
    "Bottle": _finder(production.bottle, bottle_type),
    "CloudEndpoint": _finder(catalog.cloud_endpoint, cloud_endpoint_type),
    "Deployment": _finder(software.rollout, software_types.deployment_type),
    "Device": _finder(fleet.device, fleet_types.device_type),
    "DeviceCommand": _finder(fleet.command, fleet_types.command_type),
    "DeviceConfigFile": _finder(config_files.config_file_by_id, config_file_type),
    "DeviceGroup": _finder(fleet.group, fleet_types.group_type),
    "DeviceLogEntry": _finder(fleet.log_entry, fleet_types.log_type),
    "DeviceStatusChange": _finder(fleet.status_change, fleet_types.status_change_type),
    "EndpointFilter": _finder(software.endpoint_filter, filter_type),
    "Event": _finder(journal.event, event_type),
    "ExportTask": _finder(jobs.export_task, export_task_type),
    "Gateway": _finder(gateways.gateway, gateway_type),
    "GatewayScanner": _finder(gateways.scanner, scanner_type),
    "JobConfiguration": _finder(jobs.job_configuration, job_configuration_type),
    "OAuthClient": _finder(identity.oauth_client, program_types.client_type),
    "Pallet": _finder(production.pallet, pallet_type),
    "Release": _finder(software.release, software_types.release_type),
    "Rollout": _finder(software.rollout, software_types.rollout_type),
    "RolloutGroup": _finder(software.rollout_group, software_types.group_type),
    "RolloutTarget": _finder(software.target, software_types.target_type),
    "Scan": _finder(production.scan, scan_type),
    "Site": _finder(catalog.site, site_type),
    "TraceEvent": _finder(production.trace_event, trace_event_type),
    "User": _finder(identity.user, user_type),
    "Variant": _finder(catalog.variant, variant_type),
}


@strawberry.type
class NodeQuery:
    @strawberry.field(description="Anything by its global id; null for what is not there")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        parts = split_global_id(id)
        finder = _FINDERS.get(parts[0]) if parts is not None else None
        if finder is None or parts is None:
            info.context.actor.require_known()
            return None
        return await finder(info.context, parts[1])
