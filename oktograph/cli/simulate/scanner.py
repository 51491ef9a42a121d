"""`oktograph simulate scanner`"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drivers.scanners.profiles import ScannerModel
from oktograph.cli.simulate.running import (
    CutEvery,
    Host,
    Port,
    StallEvery,
    StallFor,
    run,
    simulated,
)

if TYPE_CHECKING:
    from oktograph.simulation.device import Device


class Transport(StrEnum):
    TCP = "tcp"
    SERIAL = "serial"
    USB_HID = "usb-hid"
    MODBUS = "modbus"
    ETHERNET_IP = "ethernet-ip"


class Hid(StrEnum):
    KEYBOARD = "keyboard"
    POS = "pos"


def scanner(
    transport: Annotated[
        Transport | None,
        typer.Option(help="The way its codes go; by itself tcp, and serial with a --device"),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
    device: Annotated[
        Path | None,
        typer.Option(help="Where a pseudo terminal, or a stand-in for a HID device, is made"),
    ] = None,
    hid: Annotated[Hid, typer.Option(help="What a HID device is")] = Hid.KEYBOARD,
    rate: Annotated[float, typer.Option(min=0, help="Codes a second")] = 5.0,
    model: Annotated[ScannerModel, typer.Option(help="Its framing")] = ScannerModel.GENERIC,
    dial: Annotated[bool, typer.Option("--dial", help="Dial the edge (TCP)")] = False,
    mangle: Annotated[float, typer.Option(min=0, max=1, help="Chance of a misread")] = 0.0,
    split: Annotated[float, typer.Option(min=0, max=1, help="Chance of split packets")] = 0.0,
    no_read: Annotated[float, typer.Option(min=0, max=1, help="Chance of a no-read")] = 0.0,
    noise: Annotated[float, typer.Option(min=0, max=1, help="Chance of noise before it")] = 0.0,
    stall_every: StallEvery = 0.0,
    stall_for: StallFor = 5.0,
    cut_every: CutEvery = 0.0,
) -> None:
    """A scanner that reads milk codes: on a TCP socket, a serial port, as a HID device, or in the
    registers of a Modbus or EtherNet/IP device."""
    from oktograph.simulation.misfortunes import Misfortunes

    transport = transport or (Transport.SERIAL if device else Transport.TCP)
    if (device is not None) is not (transport in (Transport.SERIAL, Transport.USB_HID)):
        raise typer.BadParameter("--device: for serial and usb-hid, and only for them")
    if dial and (transport is not Transport.TCP or not port):
        raise typer.BadParameter("--dial: for tcp, and to a --port")
    faults = {"mangle": mangle, "split": split, "no_read": no_read, "noise": noise}
    played = {"model": model, "rate": rate, "faults": faults}
    place = {"host": host, "port": port, "path": str(device), "dial": dial, "hid": hid}
    run(
        simulated(
            lambda: _made(transport, played, place),
            Misfortunes(stall_every, stall_for, cut_every),
        )
    )


def _made(transport: Transport, played: dict[str, Any], place: dict[str, Any]) -> "Device[Any]":
    from drivers.scanners.hid_device import HidProtocol
    from drivers.scanners.simulation import (
        DeviceSimulatorConfig,
        HidSimulatorConfig,
        PlayConfig,
        SimulatorConfig,
        SimulatorMode,
    )
    from oktograph.simulation import scanners

    match transport:
        case Transport.SERIAL:
            return scanners.serial_scanner(DeviceSimulatorConfig(path=place["path"], **played))
        case Transport.USB_HID:
            protocol = HidProtocol(place["hid"].upper())
            config = HidSimulatorConfig(path=place["path"], protocol=protocol, **played)
            return scanners.hid_scanner(config)
        case Transport.MODBUS:
            return scanners.modbus_scanner(PlayConfig(**played), place["host"], place["port"])
        case Transport.ETHERNET_IP:
            return scanners.ethernet_ip_scanner(PlayConfig(**played), place["host"], place["port"])
        case Transport.TCP:
            mode = SimulatorMode.DIAL if place["dial"] else SimulatorMode.SERVE
            where = {"host": place["host"], "port": place["port"]}
            return scanners.tcp_scanner(SimulatorConfig(mode=mode, **where, **played))
