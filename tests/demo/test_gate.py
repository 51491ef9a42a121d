"""The gate behind each simulated controller, and a client that comes to look late."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers import registry
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.port import parse_bindings, parse_plcs
from drivers.supervised import SupervisedTask
from oktograph.simulation.controllers.base import Controller
from oktograph.simulation.controllers.ethernet_ip import EthernetIpController
from oktograph.simulation.controllers.modbus import ModbusController
from oktograph.simulation.controllers.tcp_socket import TextController
from oktograph.simulation.machine import Machine
from oktograph.simulation.points import GATE, GATE_HOLD_S
from tests.support.plcs import Told
from tests.support.waiting import eventually, until

SELDOM_S = 60.0
POLLED: tuple[Callable[..., Controller], ...] = (
    EthernetIpController,
    ModbusController,
    TextController,
)


@asynccontextmanager
async def driven(controller: Controller) -> AsyncIterator[Any]:
    """A driver that reads when it is told to, and hardly ever by itself."""
    plcs = parse_plcs([controller.plc("plc")])
    slow = [one | {"pollIntervalS": SELDOM_S} for one in controller.bindings("plc")]
    told = Told()
    declared = registry.plc_declaration(plcs[0], parse_bindings(slow, plcs), told, Connections())
    driver: Any = declared.build()
    task = SupervisedTask(declared.key, driver)
    task.start()
    try:
        await task.wait_for_state(LinkState.CONNECTED, 10)
        await eventually(lambda: {one.name for one in told.values} >= {p.name for p in GATE})
        yield driver
    finally:
        await task.stop()


@pytest.mark.parametrize("make", POLLED, ids=lambda make: make.__name__)
async def test_the_bin_waits_until_it_was_seen(make: Callable[..., Controller]) -> None:
    controller = make(GATE)

    async def is_on() -> bool:
        return await controller.get("bin") is True

    async def is_off() -> bool:
        return not await is_on()

    async with controller.simulator, Machine(controller).moving(), driven(controller) as driver:
        await driver.write("reject", True)
        await driver.write("reject", False)
        await until(is_on)
        with pytest.raises(TimeoutError):
            await until(is_off, 2 * GATE_HOLD_S)
        [shown] = await driver.read(["bin"])
        assert shown.value is True
        await until(is_off)
