"""What a gateway tells with a scan."""

import strawberry

from domain.production.rows import GatewayRead
from graph.pagination import global_id


@strawberry.type(description="What a gateway told with a scan; the gateway's place as it was then")
class GatewayScan:
    event_id: str = strawberry.field(description="The gateway's own name for it")
    gateway_id: strawberry.ID
    usecase: str
    station: str
    symbology: str | None
    duration_s: float | None
    device_id: str | None = strawberry.field(description="Serial number of the scanner")
    device_battery: int | None = strawberry.field(description="Percent")
    device_firmware: str | None
    device_temperature: float | None = strawberry.field(description="Degrees Celsius")
    worker_steps: int | None


def gateway_scan_type(read: GatewayRead) -> GatewayScan:
    values = read._asdict()
    gateway_id = global_id("Gateway", values.pop("gateway_id"))
    return GatewayScan(gateway_id=gateway_id, **values)
