"""The port of a controller: its settings, its tags, and the contract of every protocol."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self

from pydantic import Field, ValidationInfo, field_validator

from domain.kernel.errors import ValidationFailed
from drivers.configuration import DeviceModel, HostOrNone, validated
from drivers.exclusive import Claim, refuse_shared
from drivers.link import Driver
from drivers.plcs.ethernet_ip.settings import EthernetIpSettings
from drivers.plcs.modbus import reach
from drivers.plcs.modbus.endpoint import ModbusEndpoint, endpoint
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

    `timeout_s` is for one answer. `host` and `port` are needed by all but a serial line; port 0 is
    the protocol's own, where it has one.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
    name: str = Field(default="", max_length=64)
    protocol: PlcProtocol
    line_id: str | None = Field(default=None, min_length=1, max_length=64)
    host: Annotated[HostOrNone, Field(validate_default=True)] = ""
    port: Annotated[int, Field(ge=0, le=65535, validate_default=True)] = 0
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    timeout_s: float = Field(default=1.0, gt=0, le=60)
    modbus: Annotated[ModbusSettings, Field(validate_default=True)] = ModbusSettings()
    opc_ua: OpcUaSettings = OpcUaSettings()
    ethernet_ip: EthernetIpSettings = EthernetIpSettings()
    tcp_socket: TcpSocketSettings = TcpSocketSettings()

    @field_validator("host")
    @classmethod
    def _host_for_modbus(cls, value: str, info: ValidationInfo) -> str:
        if (protocol := info.data.get("protocol")) in reach.PROTOCOLS:
            reach.check_host(protocol, value)
        return value

    @field_validator("port")
    @classmethod
    def _port_for_modbus(cls, value: int, info: ValidationInfo) -> int:
        if (protocol := info.data.get("protocol")) in reach.PROTOCOLS:
            reach.check_port(protocol, info.data.get("host", ""), value)
        return value

    @field_validator("modbus")
    @classmethod
    def _settings_for_modbus(cls, value: ModbusSettings, info: ValidationInfo) -> ModbusSettings:
        if (protocol := info.data.get("protocol")) in reach.PROTOCOLS:
            reach.check_settings(protocol, info.data.get("host", ""), value)
        return value

    @property
    def key(self) -> str:
        """Stable across changes of every other setting."""
        return f"plc-{self.id}"

    @property
    def address(self) -> str:
        """For people."""
        speaks_modbus = self.protocol in reach.PROTOCOLS
        return str(self.modbus_endpoint) if speaks_modbus else f"{self.host}:{self.port}"

    @property
    def modbus_endpoint(self) -> ModbusEndpoint:
        """Of use where the protocol is one of Modbus."""
        framer = reach.framer_of(self.protocol, self.modbus)
        serial = self.modbus.serial
        return endpoint(self.host, self.port, framer, serial, self.connect_timeout_s)

    def claims(self, path: str) -> Iterable[Claim]:
        """What no device of another kind may use; `path` is where this configuration stands."""
        label = self.name or self.id
        if self.protocol in reach.PROTOCOLS:
            return [self.modbus_endpoint.claim(path, label)]
        return []

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
    refuse_shared(plc_claims(configs))
    return configs


def plc_claims(configs: Iterable[PlcConfig]) -> Iterator[Claim]:
    """Of the whole set, to be held against the claims of other kinds too."""
    for at, config in enumerate(configs):
        yield from config.claims(f"plcs.{at}")


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
