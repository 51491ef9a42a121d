"""Who may what of the fleet and its software, for `tests/graph/test_permissions.py`."""

from typing import Any

NOBODY = "0" * 32
EVERYBODY = frozenset({"operator", "manager", "admin", "auditor"})
MANAGERS = frozenset({"manager", "admin"})
ADMINS = frozenset({"admin"})
ID = {"id": NOBODY}
DEVICE = {"id": NOBODY}
Case = tuple[str, dict[str, Any], frozenset[str]]


def _read(field: str, selection: str = "{ __typename }") -> Case:
    return (f"{{ {field} {selection} }}", {}, EVERYBODY)


def _write(field: str, given: str, who: frozenset[str], selection: str = "{ __typename }") -> Case:
    return (f"mutation {{ {field}({given}) {selection} }}", {}, who)


_DEVICE = f'deviceId: "{NOBODY}"'
_ID = f'id: "{NOBODY}"'
_RELEASE = f'releaseId: "{NOBODY}"'
_PLAN = f'{_RELEASE}, name: "a", deviceIds: ["x"]'

QUERIES: dict[str, Case] = {
    "devices": _read("devices", "{ totalCount }"),
    "device": _read(f"device({_ID})", "{ id }"),
    "deviceStatistics": _read("deviceStatistics"),
    "deviceStatusHistory": _read(f"deviceStatusHistory({_DEVICE})", "{ id }"),
    "connectedDevices": _read("connectedDevices"),
    "deviceGroups": _read("deviceGroups", "{ totalCount }"),
    "deviceGroup": _read(f"deviceGroup({_ID})", "{ id }"),
    "commands": _read("commands", "{ totalCount }"),
    "command": _read(f"command({_ID})", "{ id }"),
    "deviceConfig": _read(f"deviceConfig({_DEVICE})"),
    "deviceConfigVersions": _read(f"deviceConfigVersions({_DEVICE})"),
    "deviceConfigDiff": _read(f"deviceConfigDiff({_DEVICE}, fromVersion: 0, toVersion: 1)"),
    "deviceLogs": _read(f"deviceLogs({_DEVICE})"),
    "telemetry": _read(f"telemetry({_DEVICE})"),
    "fleetConnectionSettings": _read("fleetConnectionSettings"),
    "gateways": _read("gateways", "{ totalCount }"),
    "gateway": _read(f"gateway({_ID})", "{ id }"),
    "gatewayScanners": _read("gatewayScanners", "{ totalCount }"),
    "gatewayScanner": _read(f"gatewayScanner({_ID})", "{ id }"),
    "applications": _read("applications", "{ totalCount }"),
    "releases": _read("releases", "{ totalCount }"),
    "release": _read(f"release({_ID})", "{ id }"),
    "rollouts": _read("rollouts", "{ totalCount }"),
    "rollout": _read(f"rollout({_ID})", "{ id }"),
    "deployments": _read("deployments", "{ totalCount }"),
    "upgradePath": _read('upgradePath(application: "none", fromVersion: "1.0.0")'),
    "endpointFilters": _read("endpointFilters", "{ totalCount }"),
    "endpointFilter": _read(f"endpointFilter({_ID})", "{ id }"),
    "installedSoftware": _read(f"installedSoftware({_DEVICE})"),
    "offeredSoftware": _read(f"offeredSoftware({_DEVICE})"),
    "artifactLink": _read(f"artifactLink({_RELEASE})"),
    "previewRollout": _read(f"previewRollout(input: {{{_PLAN}}})"),
}
_GATEWAY = 'name: "Gateway1", usecase: "Picking", station: "Station3"'
MUTATIONS: dict[str, Case] = {
    "createGateway": _write("createGateway", f"input: {{{_GATEWAY}}}", MANAGERS),
    "createGateways": _write("createGateways", "input: []", MANAGERS, "{ id }"),
    "updateGateway": _write("updateGateway", f'input: {{{_ID}, name: "a"}}', MANAGERS),
    "prepareGatewayProvisioning": _write("prepareGatewayProvisioning", _ID, MANAGERS),
    "resetGatewayProvisioning": _write("resetGatewayProvisioning", _ID, MANAGERS),
    "createProvisioningPackages": _write(
        "createProvisioningPackages", f'input: {{gatewayIds: ["{NOBODY}"]}}', MANAGERS
    ),
    "updateGatewayScanner": _write(
        "updateGatewayScanner", f"input: {{{_ID}, status: INACTIVE}}", MANAGERS
    ),
    "registerDevice": _write("registerDevice", 'input: {identifier: "press-1"}', MANAGERS),
    "registerDevices": _write("registerDevices", 'input: [{identifier: "press-2"}]', MANAGERS),
    "updateDevice": _write("updateDevice", f'input: {{{_ID}, name: "a"}}', MANAGERS),
    "removeDevice": _write("removeDevice", _ID, MANAGERS),
    "setDeviceStatus": _write("setDeviceStatus", f"input: {{{_ID}, status: ERROR}}", MANAGERS),
    "deviceHeartbeat": _write("deviceHeartbeat", f"input: {{{_DEVICE}}}", MANAGERS),
    "issueDeviceToken": _write("issueDeviceToken", _DEVICE, MANAGERS),
    "dispatchCommand": _write(
        "dispatchCommand", f"input: {{{_DEVICE}, type: FORCE_SYNC}}", MANAGERS
    ),
    "dispatchGroupCommand": _write(
        "dispatchGroupCommand", f'input: {{groupId: "{NOBODY}", type: FORCE_SYNC}}', MANAGERS
    ),
    "cancelCommand": _write("cancelCommand", _ID, MANAGERS),
    "createDeviceGroup": _write("createDeviceGroup", 'input: {name: "presses"}', MANAGERS),
    "updateDeviceGroup": _write("updateDeviceGroup", f'input: {{{_ID}, name: "a"}}', MANAGERS),
    "deleteDeviceGroup": _write("deleteDeviceGroup", _ID, MANAGERS),
    "addDevicesToGroup": _write(
        "addDevicesToGroup", f'input: {{groupId: "{NOBODY}", deviceIds: ["x"]}}', MANAGERS
    ),
    "removeDevicesFromGroup": _write(
        "removeDevicesFromGroup", f'input: {{groupId: "{NOBODY}", deviceIds: ["x"]}}', MANAGERS
    ),
    "setDeviceConfig": _write(
        "setDeviceConfig", f"input: {{{_DEVICE}, document: {{a: 1}}}}", MANAGERS
    ),
    "rollbackDeviceConfig": _write("rollbackDeviceConfig", f"{_DEVICE}, version: 1", MANAGERS),
    "reportDeviceConfig": _write(
        "reportDeviceConfig", f"input: {{{_DEVICE}, version: 1, document: {{}}}}", MANAGERS, ""
    ),
    "recordDeviceLogs": _write(
        "recordDeviceLogs", f'input: {{{_DEVICE}, entries: [{{message: "a"}}]}}', MANAGERS, ""
    ),
    "recordDeviceAlert": _write(
        "recordDeviceAlert", f'input: {{{_DEVICE}, message: "warm"}}', MANAGERS
    ),
    "recordDeviceAlerts": _write(
        "recordDeviceAlerts", f'input: [{{{_DEVICE}, message: "warm"}}]', MANAGERS
    ),
    "recordTelemetry": _write(
        "recordTelemetry",
        f'input: {{{_DEVICE}, points: [{{metric: "a", value: 1}}]}}',
        MANAGERS,
        "",
    ),
    "recordTelemetries": _write(
        "recordTelemetries",
        f'input: [{{{_DEVICE}, points: [{{metric: "a", value: 1}}]}}]',
        MANAGERS,
        "",
    ),
    "setFleetConnectionSettings": _write(
        "setFleetConnectionSettings", "input: {cloudSyncEnabled: false}", MANAGERS
    ),
    "createApplication": _write("createApplication", 'input: {name: "vision"}', MANAGERS),
    "createRelease": _write(
        "createRelease", 'input: {application: "vision", version: "1.0.0"}', MANAGERS
    ),
    "updateRelease": _write("updateRelease", f'input: {{{_ID}, notes: "a"}}', MANAGERS),
    "createEndpointFilter": _write(
        "createEndpointFilter", 'input: {name: "pilots", query: {}}', MANAGERS
    ),
    "updateEndpointFilter": _write("updateEndpointFilter", f"input: {{{_ID}}}", MANAGERS),
    "deleteEndpointFilter": _write("deleteEndpointFilter", _ID, MANAGERS),
    "reportInstalled": _write(
        "reportInstalled",
        f'input: {{{_DEVICE}, application: "vision", version: "1.0.0"}}',
        ADMINS,
    ),
    "publishRelease": _write("publishRelease", _ID, MANAGERS),
    "suspendRelease": _write("suspendRelease", _ID, MANAGERS),
    "deleteRelease": _write("deleteRelease", _ID, ADMINS),
    "addUpgradePath": _write(
        "addUpgradePath", f'input: {{{_RELEASE}, fromVersion: "1.0.0"}}', MANAGERS
    ),
    "removeUpgradePath": _write(
        "removeUpgradePath", f'input: {{{_RELEASE}, fromVersion: "1.0.0"}}', MANAGERS
    ),
    "createRollout": _write("createRollout", f"input: {{{_PLAN}}}", MANAGERS),
    "approveRollout": _write("approveRollout", _ID, ADMINS),
    "startRollout": _write("startRollout", _ID, MANAGERS),
    "pauseRollout": _write("pauseRollout", _ID, MANAGERS),
    "resumeRollout": _write("resumeRollout", _ID, MANAGERS),
    "cancelRollout": _write("cancelRollout", _ID, MANAGERS),
    "triggerNextGroup": _write("triggerNextGroup", _ID, MANAGERS),
    "retryRollout": _write("retryRollout", _ID, MANAGERS),
    "deploy": _write("deploy", f'input: {{{_RELEASE}, deviceIds: ["x"]}}', MANAGERS),
    "reportUpdate": _write(
        "reportUpdate",
        f'input: {{targetId: "{NOBODY}", attempt: 1, state: INSTALLING, reportKey: "a"}}',
        ADMINS,
    ),
}
