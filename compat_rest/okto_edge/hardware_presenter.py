"""The line's hardware as the OKTO edge API shows it. Its oddities:

- GET answers what PUT takes: a bare list, camelCase, secrets as `**********`; a mask that comes
  back leaves the secret as it is. PUT also takes an object that holds the list;
- `index` counts from 0 and is the scanner's or printer's own, whatever its place in the list;
- a test that does not reach its device is an answer (`connected: false`), not an error;
- hardware that an installation goes without is 503 `{"error": {"code": "SERVICE_UNAVAILABLE"}}`.
"""

from typing import Any

from compat_rest.kernel.okto.presenter import Body, data
from domain.kernel.clock import iso
from domain.line.ports import LinkStatus, PlcCatalogue, PlcStatus, PlcTag, ScannerStatus


def configured(found: Any) -> Body:
    return data(found)


def link(status: LinkStatus) -> Body:
    return {
        "connected": status.connected,
        "state": status.state,
        "since": iso(status.since_us),
        "peer": status.peer,
        "lastError": status.last_error,
        "attempts": status.attempts,
        "counters": dict(status.counters),
    }


def tested(status: LinkStatus) -> Body:
    return data(link(status))


def scanner(status: ScannerStatus) -> Body:
    last_us = status.last_read_at_us
    return data(
        {
            "index": status.index,
            "name": status.name,
            "lineId": status.line_id,
            "transport": status.transport,
            "model": status.model,
            "role": status.role,
            "address": status.address,
            "connected": status.connected,
            "state": status.state,
            "since": iso(status.since_us),
            "lastError": status.last_error,
            "readCount": status.read_count,
            "lastScan": None if last_us is None else iso(last_us),
        }
    )


def plc(status: PlcStatus) -> Body:
    own = {
        "id": status.id,
        "name": status.name,
        "protocol": status.protocol,
        "lineId": status.line_id,
        "address": status.address,
        "tags": status.tags,
    }
    return data(own | link(status.link))


def tags(found: list[PlcTag]) -> Body:
    return data(
        [
            {
                "address": tag.address,
                "type": tag.type,
                "name": tag.name,
                "description": tag.description,
                "writable": tag.writable,
            }
            for tag in found
        ]
    )


def plc_catalogue(found: PlcCatalogue) -> Body:
    return data(
        {
            "protocols": [
                {"name": name, "available": name in found.drivers} for name in found.protocols
            ],
            "types": list(found.types),
            "maxPlcs": found.most,
            "schema": dict(found.schema),
            "bindingSchema": dict(found.binding_schema),
        }
    )
