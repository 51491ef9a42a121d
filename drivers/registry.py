"""Which driver serves which kind of device on which transport; the one table of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import Any, Final

from domain.kernel.clock import Clock, SystemClock
from domain.kernel.errors import ValidationFailed
from domain.line.models import ScannerRole
from domain.line.ports import PlcCatalogue, PrinterCatalogue, ScannerCatalogue
from drivers.backoff import BackoffPolicy
from drivers.connections import Connections
from drivers.gpio.driver import gpio_driver
from drivers.gpio.port import GpioConfig, OnButton
from drivers.link import Driver
from drivers.plcs.port import MAX_PLCS, OnTag, PlcConfig, PlcProtocol
from drivers.plcs.tags import TagBinding, TagType
from drivers.printers.build import printer
from drivers.printers.port import (
    MAX_PRINTERS,
    AnyPrinterConfig,
    PrinterModel,
    config_schemas,
    parameter_schemas,
)
from drivers.printers.status import OnCondition
from drivers.printers.templates import LabelTemplate
from drivers.scanners.hid import hid_scanner
from drivers.scanners.port import (
    MAX_SCANNERS,
    OnReading,
    ScannerConfig,
    ScannerTransport,
)
from drivers.scanners.profiles import ScannerModel
from drivers.scanners.serial import serial_scanner
from drivers.scanners.tcp import tcp_scanner
from drivers.supervisor import Declaration
from drivers.ups.factory import ups_driver
from drivers.ups.port import OnUpsReading, UpsConfig, UpsProtocol


class DeviceKind(StrEnum):
    SCANNER = "SCANNER"
    PLC = "PLC"
    UPS = "UPS"
    GPIO = "GPIO"
    PRINTER = "PRINTER"


@dataclass(frozen=True, slots=True)
class Lazy:
    """A factory in a module that is heavy: it is imported when such a device is configured."""

    module: str
    name: str = "build"

    def __call__(self, *args: Any, **kwargs: Any) -> Driver:
        build: DriverFactory = getattr(import_module(self.module), self.name)
        return build(*args, **kwargs)


# A factory takes its kind's settings, its kind's callback and a clock, and touches no device.
DriverFactory = Callable[..., Driver]

_FACTORIES: Mapping[tuple[DeviceKind, str], DriverFactory] = {
    (DeviceKind.SCANNER, ScannerTransport.TCP): tcp_scanner,
    (DeviceKind.SCANNER, ScannerTransport.SERIAL): serial_scanner,
    (DeviceKind.SCANNER, ScannerTransport.MODBUS): Lazy(
        "drivers.scanners.modbus", "modbus_scanner"
    ),
    (DeviceKind.SCANNER, ScannerTransport.ETHERNET_IP): Lazy(
        "drivers.scanners.ethernet_ip", "ethernet_ip_scanner"
    ),
    (DeviceKind.SCANNER, ScannerTransport.USB_HID): hid_scanner,
    **{(DeviceKind.PRINTER, model): printer for model in PrinterModel},
    (DeviceKind.UPS, UpsProtocol.NUT): ups_driver,
    (DeviceKind.UPS, UpsProtocol.SNMP): ups_driver,
    (DeviceKind.GPIO, "GPIO"): gpio_driver,
    (DeviceKind.PLC, PlcProtocol.MODBUS_TCP): Lazy("drivers.plcs.modbus.driver"),
    (DeviceKind.PLC, PlcProtocol.MODBUS_RTU): Lazy("drivers.plcs.modbus.driver"),
    (DeviceKind.PLC, PlcProtocol.PROFINET): Lazy("drivers.plcs.modbus.driver"),
    (DeviceKind.PLC, PlcProtocol.OPC_UA): Lazy("drivers.plcs.opc_ua.driver"),
    (DeviceKind.PLC, PlcProtocol.ETHERNET_IP): Lazy("drivers.plcs.ethernet_ip.driver"),
    (DeviceKind.PLC, PlcProtocol.TCP_SOCKET): Lazy("drivers.plcs.tcp_socket.driver"),
}


def transports(kind: DeviceKind) -> tuple[str, ...]:
    """The transports that have a driver."""
    return tuple(transport for known, transport in _FACTORIES if known is kind)


def factory_for(kind: DeviceKind, transport: str, *, field: str = "transport") -> DriverFactory:
    """Raises ValidationFailed for `field` where there is no such driver."""
    factory = _FACTORIES.get((kind, transport))
    if factory is None:
        known = ", ".join(transports(kind))
        raise ValidationFailed(field, f"no {kind} driver for {transport}; there are: {known}")
    return factory


def scanner_catalogue() -> ScannerCatalogue:
    return ScannerCatalogue(
        transports=tuple(ScannerTransport),
        drivers=transports(DeviceKind.SCANNER),
        models=tuple(ScannerModel),
        roles=tuple(ScannerRole),
        most=MAX_SCANNERS,
        schema=ScannerConfig.model_json_schema(),
    )


def plc_catalogue() -> PlcCatalogue:
    return PlcCatalogue(
        protocols=tuple(PlcProtocol),
        drivers=transports(DeviceKind.PLC),
        types=tuple(TagType),
        most=MAX_PLCS,
        schema=PlcConfig.model_json_schema(),
        binding_schema=TagBinding.model_json_schema(),
    )


def plc_declaration(
    config: PlcConfig,
    bindings: Sequence[TagBinding],
    on_tag: OnTag,
    connections: Connections,
    *,
    clock: Clock | None = None,
    backoff: BackoffPolicy | None = None,
) -> Declaration:
    """It restarts when any of its settings or of its tags changed."""
    own = tuple(binding for binding in bindings if binding.plc == config.id)
    factory = factory_for(DeviceKind.PLC, config.protocol, field="protocol")
    build = partial(factory, config, own, on_tag, connections, clock or SystemClock())
    return Declaration(config.key, (config, own), build, backoff)


def printer_catalogue() -> PrinterCatalogue:
    return PrinterCatalogue(
        models=tuple(PrinterModel),
        most=MAX_PRINTERS,
        parameters={str(model): found for model, found in parameter_schemas().items()},
        schemas={str(model): found for model, found in config_schemas().items()},
        template_schema=LabelTemplate.model_json_schema(),
    )


def printer_declaration(
    config: AnyPrinterConfig, on_condition: OnCondition, clock: Clock | None = None
) -> Declaration:
    return Declaration(config.key, config, partial(printer, config, on_condition, clock))


def ups_declaration(
    config: UpsConfig, on_reading: OnUpsReading, clock: Clock | None = None
) -> Declaration:
    return Declaration(config.key, config, partial(ups_driver, config, on_reading, clock))


def gpio_declaration(
    config: GpioConfig, on_button: OnButton, clock: Clock | None = None
) -> Declaration:
    return Declaration(config.key, config, partial(gpio_driver, config, on_button, clock))


# A device that is asked is shared with the controllers at its endpoint.
_ASKED: Final = (ScannerTransport.MODBUS, ScannerTransport.ETHERNET_IP)


def scanner(
    config: ScannerConfig,
    on_reading: OnReading,
    clock: Clock | None = None,
    connections: Connections | None = None,
) -> Driver:
    factory = factory_for(DeviceKind.SCANNER, config.transport)
    if config.transport in _ASKED:
        return factory(config, on_reading, clock=clock, connections=connections or Connections())
    return factory(config, on_reading, clock)


def scanner_declaration(
    config: ScannerConfig,
    on_reading: OnReading,
    *,
    clock: Clock | None = None,
    connections: Connections | None = None,
    backoff: BackoffPolicy | None = None,
) -> Declaration:
    """For `Supervisor.apply`; the scanner restarts when any of its settings changed."""
    build = partial(scanner, config, on_reading, clock, connections)
    return Declaration(config.key, config, build, backoff)
