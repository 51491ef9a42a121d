"""Controllers on EtherNet/IP."""

from collections.abc import Sequence
from functools import partial

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import ValidationFailed
from drivers.connections import Connections
from drivers.plcs.ethernet_ip.encapsulation import DEFAULT_PORT
from drivers.plcs.ethernet_ip.endpoint import Endpoint
from drivers.plcs.ethernet_ip.session import session
from drivers.plcs.ethernet_ip.tags import bound_tag
from drivers.plcs.polling import PolledPlc
from drivers.plcs.port import OnTag, PlcConfig, PlcPort
from drivers.plcs.tags import TagBinding


def build(
    config: PlcConfig,
    bindings: Sequence[TagBinding],
    on_tag: OnTag,
    connections: Connections,
    clock: Clock | None = None,
) -> PlcPort:
    """Touches no device. Raises ValidationFailed that names the field."""
    if not config.host:
        raise ValidationFailed(f"plcs.{config.id}.host", "needed to reach the controller")
    for binding in bindings:
        bound_tag(binding)
    open_session = partial(session, connections, _endpoint(config), tuple(bindings))
    return PolledPlc(config, bindings, on_tag, open_session, clock or SystemClock())


def _endpoint(config: PlcConfig) -> Endpoint:
    return Endpoint(
        config.host,
        config.port or DEFAULT_PORT,
        config.ethernet_ip.slot,
        config.ethernet_ip.micro800,
        config.connect_timeout_s,
        config.timeout_s,
        config.ethernet_ip.connection_bytes,
    )
