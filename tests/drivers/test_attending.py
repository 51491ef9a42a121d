"""Servers that close in the moment in which they are called leave nothing open."""

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from drivers.printers.simulator.server import PrinterSimulator
from drivers.scanners.port import TcpMode
from drivers.scanners.simulator import ScannerSimulator
from drivers.ups.nut_simulator import NutSimulator, NutSimulatorConfig
from tests.support.ethernet_ip import ethernet_ip
from tests.support.listening import listening
from tests.support.modbus import modbus_tcp
from tests.support.opc_ua import opc_ua
from tests.support.plcs import PlcPeer, running
from tests.support.printers import ZPL, simulator_config
from tests.support.scanners import GENERIC
from tests.support.scanners import simulator_config as scanner_simulator_config
from tests.support.tcp_socket import tcp_socket

Server = Callable[[], AbstractAsyncContextManager[int]]
# More than the steps of the loop from a call to the first step of its conversation.
MOST_STEPS = 8


def simulated(make: Callable[[], Any]) -> Server:
    @asynccontextmanager
    async def served() -> AsyncIterator[int]:
        async with make() as simulator:
            yield simulator.port

    return served


def controller(make: Callable[[], PlcPeer]) -> Server:
    @asynccontextmanager
    async def served() -> AsyncIterator[int]:
        async with running(make()) as peer:
            yield peer.settings["port"]

    return served


async def listens_on(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


SERVERS: dict[str, Server] = {
    "nut": simulated(lambda: NutSimulator(NutSimulatorConfig(name="cab"))),
    "printer": simulated(lambda: PrinterSimulator(simulator_config(ZPL))),
    "scanner": simulated(
        lambda: ScannerSimulator(scanner_simulator_config(GENERIC, TcpMode.CLIENT, 0))
    ),
    "modbus": controller(modbus_tcp),
    "ethernet-ip": controller(ethernet_ip),
    "opc-ua": controller(opc_ua),
    "tcp-socket": controller(tcp_socket),
    "test's own": lambda: listening(listens_on),
}


async def called_and_closed(server: Server, steps: int) -> None:
    with socket.socket() as caller:
        caller.setblocking(False)
        async with server() as port:
            caller.connect_ex(("127.0.0.1", port))
            for _ in range(steps):
                await asyncio.sleep(0)


@pytest.mark.parametrize("name", SERVERS)
def test_a_call_in_the_moment_of_closing_is_hung_up(name: str) -> None:
    """Each time in a loop of its own, whose end is that of everything within it."""
    left: dict[int, list[str]] = {}
    gc.collect()
    gc.freeze()  # what was there before need not be looked through each time
    for steps in range(MOST_STEPS):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ResourceWarning)
            asyncio.run(called_and_closed(SERVERS[name], steps))
            gc.collect()
        left[steps] = [str(each.message) for each in told if each.category is ResourceWarning]
    assert left == {steps: [] for steps in range(MOST_STEPS)}
