"""Simulated scanners on every way that codes come, and what a driver is told of each."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from domain.line.models import ScannerRole
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.scanners.device_simulator import (
    DeviceFeeder,
    HidScannerSimulator,
    SerialScannerSimulator,
)
from drivers.scanners.ethernet_ip_result import AssemblyResult, EthernetIpScanner
from drivers.scanners.ethernet_ip_simulator import (
    EthernetIpScannerConfig,
    EthernetIpScannerSimulator,
)
from drivers.scanners.feeder import Feeder
from drivers.scanners.modbus_simulator import (
    ModbusScannerSimulator,
    ModbusScannerSimulatorConfig,
)
from drivers.scanners.simulation import (
    Codes,
    DeviceSimulatorConfig,
    HidSimulatorConfig,
    PlayConfig,
    SimulatorConfig,
    SimulatorMode,
)
from drivers.scanners.simulator import ScannerSimulator
from oktograph.simulation.bottles import line_codes
from oktograph.simulation.device import Device
from oktograph.simulation.misfortunes import Faulty
from oktograph.simulation.words import scanner_faults, scanner_words

Json = dict[str, Any]
F = TypeVar("F", bound=Feeder)
LINE: Final = "line-001"
RESULT: Final = AssemblyResult(
    instance=100, counter_offset=2, length_offset=6, data_offset=8, data_length=120
)


def tcp_scanner(config: SimulatorConfig, codes: Codes | None = None) -> Device[ScannerSimulator]:
    scanner = ScannerSimulator(config, _or_milk(codes))
    dials = config.mode is SimulatorMode.DIAL

    def settings() -> Json:
        mode = {"mode": "listen"} if dials else {"host": config.host}
        return {"model": config.model, **mode, "port": scanner.port}

    def where() -> str:
        return f"{'dials ' if dials else ''}{config.host}:{scanner.port}"

    return _device(scanner, where, settings, scanner_faults(scanner))


def serial_scanner(config: DeviceSimulatorConfig) -> Device[SerialScannerSimulator]:
    scanner = SerialScannerSimulator(config, _or_milk(None))
    told = {"transport": "SERIAL", "model": config.model, "serial": {"device": _absolute(scanner)}}
    return _device(scanner, lambda: _absolute(scanner), lambda: told, scanner_faults(scanner))


def hid_scanner(config: HidSimulatorConfig) -> Device[HidScannerSimulator]:
    """A pipe stands in for it, which cannot be taken for oneself."""
    scanner = HidScannerSimulator(config, _or_milk(None))
    hid = {"device": _absolute(scanner), "protocol": config.protocol, "grab": False}
    told = {"transport": "USB_HID", "model": config.model, "usbHid": hid}
    return _device(scanner, lambda: _absolute(scanner), lambda: told, scanner_faults(scanner))


def modbus_scanner(played: PlayConfig, host: str, port: int) -> Device[ModbusScannerSimulator]:
    device = ModbusSimulatorConfig(host=host, port=port)
    config = ModbusScannerSimulatorConfig(device=device, **_of(played))
    scanner = ModbusScannerSimulator(config, _or_milk(None))

    def settings() -> Json:
        shown = config.registers.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        place = {"host": host, "port": scanner.device.port}
        return {"transport": "MODBUS", "model": config.model, **place, "modbus": shown}

    faulty = Faulty(scanner.device.stall, scanner.device.resume, scanner.device.cut)
    return _device(scanner, lambda: f"{host}:{scanner.device.port}", settings, faulty)


def ethernet_ip_scanner(
    played: PlayConfig, host: str, port: int
) -> Device[EthernetIpScannerSimulator]:
    result = EthernetIpScanner(assembly=RESULT)
    config = EthernetIpScannerConfig(host=host, port=port, result=result, **_of(played))
    scanner = EthernetIpScannerSimulator(config, _or_milk(None))

    def settings() -> Json:
        shown = result.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        place = {"host": host, "port": scanner.port}
        return {"transport": "ETHERNET_IP", "model": config.model, **place, "ethernetIp": shown}

    faulty = Faulty(scanner.target.stall, scanner.target.resume, scanner.target.cut)
    return _device(scanner, lambda: f"{host}:{scanner.port}", settings, faulty)


def _device(
    scanner: F, where: Callable[[], str], settings: Callable[[], Json], faulty: Faulty
) -> Device[F]:
    def told() -> Json:
        return {"SCANNERS": [scanner_settings(0, "Scanner 1", ScannerRole.ADD, settings())]}

    words = scanner_words(scanner, faulty)
    return Device("scanner", scanner, where, told, faulty, words)


def scanner_settings(index: int, name: str, role: ScannerRole, settings: Json) -> Json:
    return {"index": index, "name": name, "role": role, "lineId": LINE, **settings}


def _or_milk(codes: Codes | None) -> Codes:
    return line_codes(Random()) if codes is None else codes  # noqa: S311 - a simulation


def _of(played: PlayConfig) -> Json:
    return {name: getattr(played, name) for name in played.model_fields_set}


def _absolute(scanner: DeviceFeeder) -> str:
    return str(Path.cwd() / scanner.path)
