"""The simulated device against a client that others wrote."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pylogix import PLC

from drivers.plcs.ethernet_ip.cip import Service
from drivers.plcs.ethernet_ip.simulation import EthernetIpSimulatorConfig
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.tags import Scalar
from tests.support.ethernet_ip import DEVICE, DEVICE_TAGS
from tests.support.waiting import DEADLINE_S

SMALL = DEVICE.model_copy(update={"connection_bytes": 504})


@asynccontextmanager
async def pylogix(config: EthernetIpSimulatorConfig, slot: int = 2) -> AsyncIterator[Any]:
    """The simulator, and a function that does something with pylogix in a thread."""
    async with EthernetIpSimulator(config) as simulator:
        plc = PLC("127.0.0.1", slot=slot, timeout=DEADLINE_S, port=simulator.port)

        async def does(work: Callable[[PLC], Any]) -> Any:
            return await asyncio.to_thread(work, plc)

        try:
            yield simulator, does
        finally:
            await asyncio.to_thread(plc.Close)
            plc.conn.Socket.close()
            plc.conn.msg_socket.close()


both = pytest.mark.parametrize("config", [DEVICE, SMALL], ids=["large", "small"])


@both
async def test_pylogix_reads(config: EthernetIpSimulatorConfig) -> None:
    expected: dict[str, Scalar] = {
        "COUNT": 5,
        "COUNT.2": True,
        "COUNT.1": False,
        "SPEED": 1.5,
        "LR": -2.25,
        "FLAG": True,
        "ARR[299]": 299,
        "BITS[32]": True,
        "BITS[33]": False,
        "TEXT": "hello",
        "TEXTS[1]": "b",
        "TEXT.LEN": 5,
        "M[2,3]": 11,
        "U8": 200,
        "U64": 2**63,
        "program:main.n": -3,
    }
    async with pylogix(config) as (_, does):
        for address, value in expected.items():
            answer = await does(lambda plc, address=address: plc.Read(address))
            assert (answer.Status, answer.Value) == ("Success", value), address
        assert (await does(lambda plc: plc.Read("BIG", 3000))).Value == list(range(3000))
        assert (await does(lambda plc: plc.Read("BITS", 64))).Value == [True, False] * 32
        assert (await does(lambda plc: plc.Read("NOPE"))).Status == "Path destination unknown"
        together = await does(lambda plc: plc.Read([*expected, "NOPE"]))
        assert [each.Value for each in together] == [*expected.values(), None]


@both
async def test_pylogix_writes(config: EthernetIpSimulatorConfig) -> None:
    written: dict[str, Scalar] = {
        "COUNT": -77,
        "COUNT.8": True,
        "SPEED": 3.5,
        "FLAG": False,
        "ARR[7]": -9,
        "TEXT": "written",
        "TEXTS[2]": "x",
        "BITS[41]": True,
        "Program:Main.REJECT": True,
        "LR": 1e300,
    }
    async with pylogix(config) as (simulator, does):
        for address, value in written.items():
            answer = await does(lambda plc, a=address, v=value: plc.Write(a, v))
            assert (answer.Status, simulator.value(address)) == ("Success", value), address
        assert simulator.values("BITS")[40:43] == (True, True, True)
        assert (await does(lambda plc: plc.Write("RO", 1))).Status == "Privilege violation"
        assert simulator.value("RO") == 7
        backwards = list(range(3000, 0, -1))
        await does(lambda plc: plc.Write("BIG", backwards))
        assert simulator.values("BIG") == tuple(backwards)
        await does(lambda plc: plc.Write([("COUNT", 1), ("SPEED", 2.0)]))
        assert (simulator.value("COUNT"), simulator.value("SPEED")) == (1, 2.0)


async def test_pylogix_lists_what_there_is() -> None:
    async with pylogix(DEVICE) as (_, does):
        listed = await does(lambda plc: plc.GetTagList())
        types = {tag.TagName: (tag.DataType, tag.Array, tag.Size) for tag in listed.Value}
        assert {*types} == {tag.name for tag in DEVICE_TAGS} | {"Program:Main"}
        assert types["ARR"] == ("INT", 1, 300)
        assert types["TEXTS"] == ("STRING", 1, 3)
        assert types["Program:Main.REJECT"] == ("BOOL", 0, 0)
        device = (await does(lambda plc: plc.GetDeviceProperties())).Value
        assert (device.ProductName, device.Revision) == ("Oktograph simulated controller", "1.0")
        assert (await does(lambda plc: plc.GetModuleProperties(2))).Status == "Success"
        assert (await does(lambda plc: plc.GetModuleProperties(3))).Status == "Connection failure"


async def test_pylogix_in_another_slot() -> None:
    async with pylogix(DEVICE, slot=3) as (simulator, does):
        assert (await does(lambda plc: plc.Read("COUNT"))).Status == "Forward open failed"
        assert simulator.served[Service.READ_TAG] == 0


async def test_changes_can_be_awaited() -> None:
    async with pylogix(DEVICE) as (simulator, does):
        shows = asyncio.create_task(simulator.shows("COUNT", 42))
        await does(lambda plc: plc.Write("COUNT", 42))
        await asyncio.wait_for(shows, DEADLINE_S)
