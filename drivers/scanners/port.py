"""The port of a scanner: its settings, what it reads, and the contract of every transport."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol, Self

from pydantic import (
    Field,
    IPvAnyAddress,
    ValidationInfo,
    field_validator,
    model_validator,
)

from domain.kernel.errors import ValidationFailed
from domain.line.models import ScannerRole
from drivers.configuration import DeviceModel, HostOrNone, WireBytes, validated
from drivers.exclusive import Claim, refuse_shared, serial_device
from drivers.link import Driver
from drivers.plcs.ethernet_ip.encapsulation import DEFAULT_PORT as ETHERNET_IP_PORT
from drivers.plcs.modbus.endpoint import ModbusEndpoint, endpoint
from drivers.scanners.ethernet_ip_result import EthernetIpScanner
from drivers.scanners.hid_device import HidDevice
from drivers.scanners.modbus_settings import ModbusScanner
from drivers.scanners.profiles import (
    PROFILES,
    FrameProfile,
    ScannerModel,
    with_model_framing,
)
from drivers.serial_port import SerialPort

MAX_SCANNERS = 10


class ScannerTransport(StrEnum):
    TCP = "TCP"
    SERIAL = "SERIAL"
    MODBUS = "MODBUS"
    ETHERNET_IP = "ETHERNET_IP"
    USB_HID = "USB_HID"


class TcpMode(StrEnum):
    """Whether we dial the scanner or it dials us."""

    CLIENT = "client"
    LISTEN = "listen"


_ONLY_SPEAKING = (
    ScannerTransport.USB_HID,
    ScannerTransport.MODBUS,
    ScannerTransport.ETHERNET_IP,
)


class ScannerConfig(DeviceModel):
    """One scanner. `framing` takes any part of a FrameProfile and holds the whole one, the rest
    from the model. When listening, an empty `host` is every interface and port 0 any free port.
    A transport but TCP has its settings in the part named after it; those of other transports
    may stay and have no effect. ETHERNET_IP has its `host`, and where the port is not the usual
    one its `port`, here.

    `reply_good` and `reply_bad` go back to the scanner after each reading, by the verdict.
    `linger_s`, when listening: how long a scanner may be away before it counts as lost, for
    devices that dial anew for each code.
    """

    index: int = Field(ge=0, le=99)
    name: str = Field(min_length=1, max_length=64)
    transport: ScannerTransport = ScannerTransport.TCP
    model: ScannerModel = ScannerModel.GENERIC
    role: ScannerRole = ScannerRole.ADD
    line_id: str | None = Field(default=None, min_length=1, max_length=64)
    mode: TcpMode = TcpMode.CLIENT
    host: Annotated[HostOrNone, Field(validate_default=True)] = ""
    port: Annotated[int, Field(ge=0, le=65535, validate_default=True)] = 0
    allowed_peers: tuple[IPvAnyAddress, ...] = ()
    modbus: Annotated[ModbusScanner | None, Field(validate_default=True)] = None
    serial: Annotated[SerialPort | None, Field(validate_default=True)] = None
    usb_hid: Annotated[HidDevice | None, Field(validate_default=True)] = None
    ethernet_ip: Annotated[EthernetIpScanner | None, Field(validate_default=True)] = None
    framing: FrameProfile = PROFILES[ScannerModel.GENERIC]
    reply_good: WireBytes | None = None
    reply_bad: WireBytes | None = None
    max_in_flight: int = Field(default=64, ge=1, le=1024)
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    linger_s: float = Field(default=0.0, ge=0, le=3600)

    @model_validator(mode="before")
    @classmethod
    def _complete_framing(cls, data: object) -> object:
        return with_model_framing(data)

    @field_validator("host", "port")
    @classmethod
    def _dialled_needs_address(cls, value: str | int, info: ValidationInfo) -> str | int:
        transport = info.data.get("transport")
        dials = transport is ScannerTransport.TCP and info.data.get("mode") is TcpMode.CLIENT
        asks = transport is ScannerTransport.ETHERNET_IP and info.field_name == "host"
        if (dials or asks) and not value:
            raise ValueError("needed to dial the scanner")
        return value

    @field_validator("modbus")
    @classmethod
    def _modbus_needs_a_place(
        cls, value: ModbusScanner | None, info: ValidationInfo
    ) -> ModbusScanner | None:
        of_modbus = info.data.get("transport") is ScannerTransport.MODBUS
        if of_modbus and value and bool(info.data.get("host")) == bool(value.serial):
            raise ValueError("serial: either this or a host is needed")
        return value

    @field_validator("serial", "usb_hid", "modbus", "ethernet_ip")
    @classmethod
    def _transport_needs_its_part(cls, value: object, info: ValidationInfo) -> object:
        transport = info.data.get("transport")
        if value is None and transport is not None and info.field_name == transport.lower():
            raise ValueError(f"needed for {transport}")
        return value

    @field_validator("framing", "reply_good", "reply_bad")
    @classmethod
    def _some_only_speak(cls, value: object, info: ValidationInfo) -> object:
        if (transport := info.data.get("transport")) in _ONLY_SPEAKING:
            if isinstance(value, FrameProfile) and value.heartbeat is not None:
                raise ValueError(f"heartbeat: none comes over {transport}")
            if isinstance(value, bytes):
                raise ValueError(f"no reply goes over {transport}")
        return value

    @property
    def key(self) -> str:
        """Stable across changes of every other setting."""
        return f"scanner-{self.index}"

    @property
    def address(self) -> str:
        """Where the scanner is, for people."""
        if self.transport is ScannerTransport.SERIAL and self.serial:
            return self.serial.device
        if self.transport is ScannerTransport.USB_HID and self.usb_hid:
            return self.usb_hid.device
        if self.transport is ScannerTransport.ETHERNET_IP:
            return f"{self.host}:{self.port or ETHERNET_IP_PORT}"
        if self.transport is ScannerTransport.MODBUS and self.modbus:
            return str(self.modbus_endpoint(self.modbus))
        return f"{self.host or '*'}:{self.port}"

    def claims(self, path: str) -> Iterable[Claim]:
        """What no other device may use; `path` is where this configuration stands."""
        resources: dict[str, Hashable] = {
            "index": ("scanner index", self.index),
            "name": ("scanner name", self.name),
            **self._address_claims(),
        }
        claims = [Claim(what, f"{path}.{field}", self.name) for field, what in resources.items()]
        if self.transport is ScannerTransport.MODBUS and self.modbus:
            claims.append(self.modbus_endpoint(self.modbus).claim(path, self.name))
        return claims

    def modbus_endpoint(self, settings: ModbusScanner) -> ModbusEndpoint:
        """May be that of a PLC too."""
        port, patience_s = self.port, self.connect_timeout_s
        return endpoint(self.host, port, settings.framer, settings.serial, patience_s)

    def _address_claims(self) -> dict[str, Hashable]:
        """By the field that holds the address."""
        if self.transport is ScannerTransport.SERIAL and self.serial:
            return {"serial.device": serial_device(self.serial.device)}
        if self.transport is ScannerTransport.USB_HID and self.usb_hid:
            return {"usb_hid.device": ("hid", self.usb_hid.device)}
        if self.transport is ScannerTransport.ETHERNET_IP and self.ethernet_ip:
            place = (self.host.lower(), self.port, self.ethernet_ip.slot, self.ethernet_ip.place)
            return {"ethernet_ip": ("ethernet-ip result", *place)}
        if self.transport is not ScannerTransport.TCP or self.port == 0:
            return {}
        if self.mode is TcpMode.LISTEN:
            return {"port": ("listening on", self.port)}
        return {"port": ("dialled", self.host.lower(), self.port)}

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, path: str = "") -> Self:
        """Raises ValidationFailed that names the field."""
        return validated(cls, data, path=path)


def parse_scanners(items: Iterable[Mapping[str, Any]]) -> tuple[ScannerConfig, ...]:
    """A whole set, or ValidationFailed with a field such as `scanners.2.port`."""
    configs = tuple(
        ScannerConfig.parse(item, path=f"scanners.{at}") for at, item in enumerate(items)
    )
    if len(configs) > MAX_SCANNERS:
        raise ValidationFailed("scanners", f"at most {MAX_SCANNERS}")
    refuse_shared(scanner_claims(configs))
    return configs


def scanner_claims(configs: Iterable[ScannerConfig]) -> Iterator[Claim]:
    """What the whole set has for itself, to be held against the claims of other kinds too."""
    for at, config in enumerate(configs):
        yield from config.claims(f"scanners.{at}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One read, good or not. `raw` is the bytes as they came, `text` what they say (GS as 0x1D,
    base64 opened); `received_at_us` is when the packet with its last byte was taken up."""

    scanner_index: int
    text: str
    raw: bytes
    received_at_us: int
    no_read: bool = False
    aim_id: str | None = None


# The verdict: true and false choose the reply to the scanner, None sends nothing.
# Called for each reading in the order read, without waiting for the one before to be answered;
# up to `max_in_flight` are open at once. A DomainError counts as a bad verdict.
OnReading = Callable[[Reading], Awaitable[bool | None]]


class ScannerPort(Driver, Protocol):
    """A supervised driver that hands its readings to the OnReading it was made with.

    Every transport makes its readings through `Intake`, so that order, back-pressure and replies
    are the same for all; what comes in pieces (TCP, serial, HID) also shares `CodeStream`.
    """

    @property
    def config(self) -> ScannerConfig: ...


@dataclass(slots=True)
class ScannerCounters:
    """Since the driver was made. `refused`: readings whose handling failed; `unheard`: callers
    turned away while listening; `control`: frames that are no readings."""

    readings: int = 0
    no_reads: int = 0
    refused: int = 0
    heartbeats: int = 0
    control: int = 0
    overlong: int = 0
    truncated: int = 0
    noise_bytes: int = 0
    unheard: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)
