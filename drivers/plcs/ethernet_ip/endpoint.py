"""Where a device on EtherNet/IP is."""

from dataclasses import dataclass, field

from drivers.plcs.ethernet_ip.encapsulation import DEFAULT_PORT


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is reached; how is of whoever dials."""

    host: str
    port: int = DEFAULT_PORT
    slot: int = 0
    micro800: bool = False
    connect_timeout_s: float = field(default=5.0, compare=False)
    timeout_s: float = field(default=1.0, compare=False)
    connection_bytes: int = field(default=4002, compare=False)
