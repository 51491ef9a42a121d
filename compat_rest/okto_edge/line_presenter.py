"""The line's configuration as the OKTO edge API shows it. Its oddities:

- an override's value is JSON in a string, whatever it is of;
- `actor` is whom the caller named, and shown nowhere: the audit names the caller;
- PUT and DELETE store; what is stored takes effect by `reload`, and at the next start.
"""

from collections.abc import Mapping, Sequence

from compat_rest.kernel.okto.presenter import Body, data
from domain.kernel.clock import iso
from domain.line.ports import EdgeStatus, FactoryStatus, ScannerCatalogue
from domain.line.rows import OverrideRow


def overrides(found: Mapping[str, OverrideRow]) -> Body:
    return data({key: row.value for key, row in found.items()})


def removed(count: int) -> Body:
    return data({"removed": count})


def reloaded(changed: Sequence[str]) -> Body:
    return data({"changed": list(changed)})


def self_service(status: EdgeStatus) -> Body:
    return data(
        {
            "deviceIdentifier": status.identifier,
            "enabled": status.enabled,
            "softwareVersion": status.software_version,
            "configVersion": status.config_version,
            "overrides": list(status.overrides),
            "factory": None if status.factory is None else _factory(status.factory),
        }
    )


def scanner_catalogue(found: ScannerCatalogue) -> Body:
    return data(
        {
            "transports": [
                {"name": name, "available": name in found.drivers} for name in found.transports
            ],
            "models": list(found.models),
            "roles": list(found.roles),
            "maxScanners": found.most,
            "schema": dict(found.schema),
        }
    )


def _factory(status: FactoryStatus) -> Body:
    return {
        "url": status.url,
        "state": status.state,
        "connected": status.connected,
        "since": iso(status.since_us),
        "lastError": status.last_error,
    }
