"""An OPC UA controller made of its settings."""

from collections.abc import Sequence

from domain.kernel.clock import Clock
from domain.kernel.errors import ValidationFailed
from drivers.connections import Connections
from drivers.plcs.opc_ua.addresses import NodeAddress
from drivers.plcs.opc_ua.plc import OpcUaPlc
from drivers.plcs.port import OnTag, PlcConfig
from drivers.plcs.tags import TagBinding


def build(
    config: PlcConfig,
    bindings: Sequence[TagBinding],
    on_tag: OnTag,
    connections: Connections,
    clock: Clock,
) -> OpcUaPlc:
    """Touches no device. Raises ValidationFailed. `connections` are not shared: a server has a
    session for each controller that is declared, and answers many requests at once."""
    if not config.host:
        raise ValidationFailed(f"plcs.{config.id}.host", "needed to dial the server")
    for binding in bindings:
        try:
            NodeAddress.parse(binding.address)
        except ValueError as error:
            raise ValidationFailed(f"bindings.{binding.name}.address", str(error)) from None
    return OpcUaPlc(config, bindings, on_tag, clock)
