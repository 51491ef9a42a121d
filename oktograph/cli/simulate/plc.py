"""`oktograph simulate plc`"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    from oktograph.simulation.controllers.base import Controller
    from oktograph.simulation.device import Device


class Protocol(StrEnum):
    MODBUS_TCP = "modbus-tcp"
    MODBUS_RTU = "modbus-rtu"
    OPC_UA = "opc-ua"
    ETHERNET_IP = "ethernet-ip"
    TCP_SOCKET = "tcp-socket"


def plc(
    protocol: Annotated[Protocol, typer.Option(help="What it speaks")] = Protocol.MODBUS_TCP,
    host: Host = "127.0.0.1",
    port: Port = 0,
    device: Annotated[
        Path | None,
        typer.Option(help="Where a pseudo terminal is made, for modbus-rtu without a network"),
    ] = None,
    stall_every: StallEvery = 0.0,
    stall_for: StallFor = 5.0,
    cut_every: CutEvery = 0.0,
) -> None:
    """A controller with outputs to accept, to reject and to stop, a reject gate with a sensor
    behind it, a belt whose encoder turns until it is stopped, and a filler that warms up."""
    from oktograph.simulation.misfortunes import Misfortunes

    if device is not None and protocol is not Protocol.MODBUS_RTU:
        raise typer.BadParameter("--device: only for modbus-rtu")
    run(
        simulated(
            lambda: _made(protocol, host, port, device),
            Misfortunes(stall_every, stall_for, cut_every),
        )
    )


def _made(protocol: Protocol, host: str, port: int, device: Path | None) -> "Device[Any]":
    from oktograph.simulation.controllers.device import controller_device

    return controller_device(_controller(protocol, host, port, device))


def _controller(protocol: Protocol, host: str, port: int, device: Path | None) -> "Controller":
    from drivers.plcs.modbus.settings import ModbusFramer
    from oktograph.simulation.controllers.ethernet_ip import EthernetIpController
    from oktograph.simulation.controllers.modbus import ModbusController
    from oktograph.simulation.controllers.opc_ua import OpcUaController
    from oktograph.simulation.controllers.tcp_socket import TextController
    from oktograph.simulation.points import ALL

    match protocol:
        case Protocol.MODBUS_TCP:
            return ModbusController(ALL, host=host, port=port)
        case Protocol.MODBUS_RTU:
            rtu = ModbusFramer.RTU
            return ModbusController(ALL, host=host, port=port, framer=rtu, device=device)
        case Protocol.OPC_UA:
            return OpcUaController(ALL, host=host, port=port)
        case Protocol.ETHERNET_IP:
            return EthernetIpController(ALL, host=host, port=port)
        case Protocol.TCP_SOCKET:
            return TextController(ALL, host=host, port=port)
