"""A port whose server goes down and comes back, among others that ask for any port at all."""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
import uvloop

from drivers.attending import shut
from drivers.held_port import HeldPort
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.tcp_socket.simulation import SimulatorConfig
from drivers.plcs.tcp_socket.simulator import TcpSocketSimulator
from drivers.printers.simulator.server import PrinterSimulator
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig
from tests.support.ethernet_ip import DEVICE
from tests.support.opc_ua import simulated
from tests.support.printers import ZPL, simulator_config
from tests.support.processes import free_port

HOST = "127.0.0.1"
# Of linux/in.h, since 6.3: from which ports the kernel chooses for this socket.
IP_LOCAL_PORT_RANGE = 51
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
DEVICES: dict[str, Callable[[int], Any]] = {
    "ethernet-ip": lambda port: EthernetIpSimulator(DEVICE.model_copy(update={"port": port})),
    "modbus": lambda port: ModbusSimulator(ModbusSimulatorConfig(port=port)),
    "nut": lambda port: NutSimulator(NutSimulatorConfig(port=port)),
    "opc-ua": lambda port: simulated(port=port),
    "printer": lambda port: PrinterSimulator(simulator_config(ZPL, port=port)),
    "tcp-socket": lambda port: TcpSocketSimulator(SimulatorConfig(port=port)),
}


def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def is_free(port: int) -> bool:
    """For a program that shares with nobody."""
    with closing(socket.socket()) as other, suppress(OSError):
        other.bind((HOST, port))
        return True
    return False


def answers(port: int) -> bool:
    """Leaves nothing at the port that would keep another from it."""
    with closing(socket.socket()) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return caller.connect_ex((HOST, port)) == 0


def choosing_only(port: int) -> socket.socket:
    chooser = socket.socket()
    try:
        chooser.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=HH", port, port))
    except OSError as error:
        chooser.close()
        if error.errno != errno.ENOPROTOOPT:
            raise
        pytest.skip("this kernel chooses from all ports")
    return chooser


def is_given_to_servers(port: int, *, may_share: bool) -> bool:
    """To one that asks for any, where the kernel has no other to give."""
    with closing(choosing_only(port)) as server, suppress(OSError):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, may_share)
        server.bind((HOST, 0))
        assert server.getsockname()[1] == port
        return True
    return False


def is_given_to_callers(port: int) -> bool:
    """The same for a connection outwards."""
    with closing(socket.create_server((HOST, 0))) as far, closing(choosing_only(port)) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return caller.connect_ex(far.getsockname()) == 0


def is_given(port: int) -> list[bool]:
    return [
        is_given_to_servers(port, may_share=False),
        is_given_to_servers(port, may_share=True),
        is_given_to_callers(port),
    ]


@pytest.mark.parametrize("name", LOOPS)
def test_the_kernel_gives_the_number_to_nobody_else(name: str) -> None:
    async def down_and_up() -> None:
        place = HeldPort(HOST, 0)
        for _ in range(3):
            await shut(await place.serve(hang_up))
            assert is_given(place.port) == [False] * 3
        place.close()
        assert is_given(place.port) == [True] * 3

    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        runner.run(down_and_up())


@pytest.mark.parametrize("name", LOOPS)
def test_who_calls_is_answered_while_it_is_up(name: str) -> None:
    async def down_and_up() -> None:
        place = HeldPort(HOST, port := free_port())
        for _ in range(3):
            server = await place.serve(hang_up)
            assert place.port == port
            assert answers(port)
            await shut(server)
            assert not answers(port)
            assert not is_free(port)
        place.close()
        place.close()
        assert is_free(port)

    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        runner.run(down_and_up())


async def test_a_port_that_is_taken() -> None:
    place = HeldPort(HOST, free_port())
    with closing(socket.create_server((HOST, place.port))), pytest.raises(OSError, match="in use"):
        await place.serve(hang_up)
    # Nothing is kept of the attempt.
    assert is_free(place.port)


async def test_one_that_comes_in_between_is_told_of() -> None:
    """By its number, and meaning to share it: there is no other way to it."""
    place = HeldPort(HOST, 0)
    await shut(await place.serve(hang_up))
    with closing(socket.create_server((HOST, place.port))), pytest.raises(OSError, match="in use"):
        await place.serve(hang_up)
    await shut(await place.serve(hang_up))
    place.close()


@pytest.mark.parametrize("name", DEVICES)
async def test_a_simulator_that_is_down_keeps_its_port(name: str) -> None:
    async with DEVICES[name](free_port()) as device:
        port = device.port
        goes_down = getattr(device, "go_down", None) or device.refuse
        comes_up = getattr(device, "come_up", None) or device.accept
        await goes_down()
        assert not answers(port)
        assert not is_free(port)
        await comes_up()
        assert device.port == port
        assert answers(port)
    assert is_free(port)
