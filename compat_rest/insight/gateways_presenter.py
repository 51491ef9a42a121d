"""Gateways as Insight shows them. Its oddities:

- `id` is a UUID with hyphens, while paths also take the thing name, or the serial;
- times are milliseconds; `last_updated` is the last change by people, not the last message;
- what is not known of a gateway is an empty text, since its clients read every field as text;
- its connectivity is what it is at the moment of the answer;
- `registration_path` is the whole path at this server, however it is mounted;
- a bundle comes without a password: there is no documented place to tell one;
- bulk-create answers a bare array; a package says which gateway it is of and nothing else.
"""

from base64 import b64encode
from typing import Any

from compat_rest.insight.ids import shown
from domain.gateways.rows import GatewayRow
from domain.gateways.rules import connectivity_of
from graph.gateways.resolvers import MadePackage, PreparedGateway, ProvisionedGateway

Body = dict[str, Any]
MILLISECOND_US = 1_000


def gateway(row: GatewayRow, now_us: int) -> Body:
    return {
        "id": shown(row.id),
        "model": row.model or "",
        "manufacturer": row.manufacturer or "",
        "class": "gateway",
        "type": str(row.type),
        "firmware": row.firmware or "",
        "created": row.created_at_us // MILLISECOND_US,
        "last_updated": row.updated_at_us // MILLISECOND_US,
        "usecase": row.usecase,
        "station": row.station,
        "thing_name": row.thing_name,
        "name": row.name,
        "connectivity_status": str(connectivity_of(row, now_us)),
    }


def prepared(made: PreparedGateway, path: str) -> Body:
    return {"registration_path": path, "token": made.token}


def provisioned(made: ProvisionedGateway, now_us: int) -> Body:
    return {
        "mqtt_endpoint": made.broker.endpoint,
        "mqtt_topic_prefix": made.broker.topic_prefix,
        "certificate_common_name": made.gateway.thing_name,
        "gateway": gateway(made.gateway, now_us),
        "pkcs12": b64encode(made.pkcs12).decode(),
    }


def package(made: MadePackage, url: str) -> Body:
    return {"gateway_id": shown(made.gateway.id), "package_url": url}
