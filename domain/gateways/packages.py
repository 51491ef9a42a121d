"""What is carried to a gateway on a stick: a zip with its certificate and where to connect."""

import io
import zipfile
from typing import Any, Final

import orjson

from domain.gateways.commands import Wifi
from domain.gateways.ports import BrokerAddress, IssuedCertificate
from domain.gateways.rows import GatewayRow
from domain.kernel.clock import from_us, iso

CERTIFICATE: Final = "certificate.p12"
PROVISIONING: Final = "provisioning.json"
WIFI: Final = "wifi.json"
_OWNER_ONLY: Final = 0o600 << 16


def filename(row: GatewayRow) -> str:
    """Of safe characters only, as a thing name is."""
    return f"{row.thing_name}.zip"


def package(
    row: GatewayRow,
    certificate: IssuedCertificate,
    broker: BrokerAddress,
    wifi: Wifi | None,
    now_us: int,
) -> bytes:
    """The bundle is not encrypted: whoever has the zip has all."""
    provisioning = {
        "gateway_id": row.id,
        "gateway_name": row.name,
        "mqtt_endpoint": broker.endpoint,
        "mqtt_topic_prefix": broker.topic_prefix,
        "certificate_common_name": row.thing_name,
        "certificate": CERTIFICATE,
        "certificate_expires": iso(certificate.expires_at_us),
    }
    files = {CERTIFICATE: certificate.pkcs12, PROVISIONING: _json(provisioning)}
    if wifi is not None:
        files[WIFI] = _json(wifi.model_dump(exclude_none=True))
    made = from_us(now_us).timetuple()[:6]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, made)
            entry.external_attr = _OWNER_ONLY
            archive.writestr(entry, data)
    return content.getvalue()


def _json(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)
