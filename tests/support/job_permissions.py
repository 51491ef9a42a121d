"""Who may what with jobs and with the files that devices are configured by, for
`tests/graph/test_permissions.py`."""

from tests.support.fleet_permissions import EVERYBODY, MANAGERS, NOBODY, Case

_ID = f'id: "{NOBODY}"'
_NEW = 'input: {name: "a", startBarcode: "1", endBarcode: "2"}'
_FILE = 'input: {identifier: "a", name: "a.bin", content: "eA=="}'
_WINDOW = f'configurationId: "{NOBODY}", from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z"'

QUERIES: dict[str, Case] = {
    "jobConfigurations": ("{ jobConfigurations { totalCount } }", {}, EVERYBODY),
    "jobConfiguration": (f"{{ jobConfiguration({_ID}) {{ id }} }}", {}, EVERYBODY),
    "jobAnalysis": (
        f"{{ jobAnalysis(input: {{{_WINDOW}}}) {{ gateways {{ gatewayId }} }} }}",
        {},
        EVERYBODY,
    ),
    "deviceConfigFiles": ("{ deviceConfigFiles { totalCount } }", {}, EVERYBODY),
    "deviceConfigFile": (f"{{ deviceConfigFile({_ID}) {{ id }} }}", {}, EVERYBODY),
}
MUTATIONS: dict[str, Case] = {
    "createJobConfiguration": (
        f"mutation {{ createJobConfiguration({_NEW}) {{ id }} }}",
        {},
        MANAGERS,
    ),
    "updateJobConfiguration": (
        f'mutation {{ updateJobConfiguration(input: {{{_ID}, name: "b"}}) {{ id }} }}',
        {},
        MANAGERS,
    ),
    "deleteJobConfiguration": (
        f"mutation {{ deleteJobConfiguration({_ID}) {{ id }} }}",
        {},
        MANAGERS,
    ),
    "putDeviceConfigFile": (
        f"mutation {{ putDeviceConfigFile({_FILE}) {{ id }} }}",
        {},
        MANAGERS,
    ),
    "removeDeviceConfigFile": (
        f"mutation {{ removeDeviceConfigFile({_ID}) {{ id }} }}",
        {},
        MANAGERS,
    ),
    "linkDeviceConfigFile": (
        f"mutation {{ linkDeviceConfigFile({_ID}) {{ url }} }}",
        {},
        EVERYBODY,
    ),
}
