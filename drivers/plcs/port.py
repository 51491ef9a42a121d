"""The port of a controller: its settings, its tags, and the contract of every protocol."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self

from pydantic import Field

from domain.kernel.errors import ValidationFailed
from drivers.configuration import DeviceModel, validated
from drivers.link import Driver
from drivers.plcs.ethernet_ip.settings import EthernetIpSettings
from drivers.plcs.modbus.settings import ModbusSettings
from drivers.plcs.opc_ua.settings import OpcUaSettings
from drivers.plcs.tags import Scalar, TagBinding, TagInfo, TagValue
from drivers.plcs.tcp_socket.settings import TcpSocketSettings

MAX_PLCS = 16
MAX_BINDINGS = 1000


class PlcProtocol(StrEnum):
    MODBUS_TCP = "MODBUS_TCP"
    MODBUS_RTU = "MODBUS_RTU"
    OPC_UA = "OPC_UA"
    PROFINET = "PROFINET"
    ETHERNET_IP = "ETHERNET_IP"
    TCP_SOCKET = "TCP_SOCKET"


class PlcConfig(DeviceModel):
    """One controller. Of the nested settings only those of its protocol are looked at.

    `timeout_s` is for one answer. `host` and `port` are needed by all but a serial line.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
    name: str = Field(default="", max_length=64)
    protocol: PlcProtocol
    line_id: str | None = Field(default=None, min_length=1, max_length=64)
    host: str = Field(default="", max_length=255)
    port: int = Field(default=0, ge=0, le=65535)
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    timeout_s: float = Field(default=1.0, gt=0, le=60)
    modbus: ModbusSettings = ModbusSettings()
    opc_ua: OpcUaSettings = OpcUaSettings()
    ethernet_ip: EthernetIpSettings = EthernetIpSettings()
    tcp_socket: TcpSocketSettings = TcpSocketSettings()

    @property
    def key(self) -> str:
        """Stable across changes of every other setting."""
        return f"plc-{self.id}"

    @property
    def address(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, path: str = "") -> Self:
        """Raises ValidationFailed that names the field."""
        return validated(cls, data, path=path)


def parse_plcs(items: Iterable[Mapping[str, Any]]) -> tuple[PlcConfig, ...]:
    """A whole set, or ValidationFailed with a field such as `plcs.2.port`."""
    configs = tuple(PlcConfig.parse(item, path=f"plcs.{at}") for at, item in enumerate(items))
    if len(configs) > MAX_PLCS:
        raise ValidationFailed("plcs", f"at most {MAX_PLCS}")
    _refuse_repeated([c.id for c in configs], "plcs", "id")
    return configs


def parse_bindings(
    items: Iterable[Mapping[str, Any]], plcs: Sequence[PlcConfig]
) -> tuple[TagBinding, ...]:
    """A whole set for these controllers, or ValidationFailed with a field such as
    `bindings.2.address`. What an address may be is the protocol's to say, see `build`."""
    bindings = tuple(
        validated(TagBinding, item, path=f"bindings.{at}") for at, item in enumerate(items)
    )
    if len(bindings) > MAX_BINDINGS:
        raise ValidationFailed("bindings", f"at most {MAX_BINDINGS}")
    _refuse_repeated([b.name for b in bindings], "bindings", "name")
    known = {config.id for config in plcs}
    for at, binding in enumerate(bindings):
        if binding.plc not in known:
            raise ValidationFailed(f"bindings.{at}.plc", f"there is no PLC {binding.plc}")
    return bindings


def _refuse_repeated(values: Sequence[str], kind: str, field: str) -> None:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValidationFailed(f"{kind}.{at}.{field}", f"{value} is used twice")


# Told of each readable tag's first value, of each change past its deadband and of each change of
# quality, in the order seen. It does not raise; what it takes long for, it does in its own task.
OnTag = Callable[[TagBinding, TagValue], Awaitable[None]]


class PlcPort(Driver, Protocol):
    """A supervised driver of one controller and the tags that are bound to it.

    Made by `build(config, bindings, on_tag, connections, clock)` of its folder (`connections` is
    the process's one `drivers.connections.Connections`; `bindings` are this controller's), which
    touches no device and raises ValidationFailed, with a field such as `bindings.<name>.address`,
    for what the protocol cannot do. `run` is connected once the controller has answered; then it
    polls, or subscribes. When the link is lost every tag is told once as BAD.
    """

    @property
    def config(self) -> PlcConfig: ...

    def values(self) -> Mapping[str, TagValue]:
        """The last that is known of each readable tag."""

    async def read(self, names: Sequence[str]) -> list[TagValue]:
        """Asked anew, in this order. NotFound, Unavailable while not connected, UpstreamFailed
        for what the controller refuses, TimedOut."""

    async def write(self, name: str, value: Scalar) -> TagValue:
        """Returns once the controller has confirmed it (and shows it, where `read_back`).
        ValidationFailed for a value that the tag cannot hold or that is only read; otherwise
        as `read`. Nothing is written again by itself: who asked decides."""

    async def browse(self) -> list[TagInfo]:
        """What the controller has, or what is bound where it cannot tell. Errors as `read`."""
