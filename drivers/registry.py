"""Which driver serves which kind of device on which transport; the one table of them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from domain.kernel.clock import Clock
from domain.kernel.errors import ValidationFailed
from domain.line.models import ScannerRole
from domain.line.ports import ScannerCatalogue
from drivers.backoff import BackoffPolicy
from drivers.link import Driver
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


class DeviceKind(StrEnum):
    SCANNER = "SCANNER"


# A factory takes its kind's settings, its kind's callback and a clock, and touches no device.
DriverFactory = Callable[..., Driver]

_FACTORIES: Mapping[tuple[DeviceKind, str], DriverFactory] = {
    (DeviceKind.SCANNER, ScannerTransport.TCP): tcp_scanner,
    (DeviceKind.SCANNER, ScannerTransport.SERIAL): serial_scanner,
    (DeviceKind.SCANNER, ScannerTransport.USB_HID): hid_scanner,
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


def scanner(config: ScannerConfig, on_reading: OnReading, clock: Clock | None = None) -> Driver:
    return factory_for(DeviceKind.SCANNER, config.transport)(config, on_reading, clock)


def scanner_declaration(
    config: ScannerConfig,
    on_reading: OnReading,
    *,
    clock: Clock | None = None,
    backoff: BackoffPolicy | None = None,
) -> Declaration:
    """For `Supervisor.apply`; the scanner restarts when any of its settings changed."""
    options: dict[str, Any] = {"clock": clock}
    return Declaration(config.key, config, partial(scanner, config, on_reading, **options), backoff)
