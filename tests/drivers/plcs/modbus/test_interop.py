"""The driver at another implementation's server, and its client at the simulator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from domain.kernel.clock import SystemClock
from domain.kernel.errors import UpstreamFailed
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.modbus.driver import build
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.polling import PolledPlc
from drivers.plcs.port import PlcConfig
from drivers.plcs.tags import Quality, TagBinding
from drivers.supervised import SupervisedTask
from tests.support.plcs import QUICK, Told
from tests.support.waiting import DEADLINE_S

FRAMERS = {"MODBUS_TCP": FramerType.SOCKET, "MODBUS_RTU": FramerType.RTU}
VALUES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("coil", "coil:3", {"type": "BOOL"}, True),
    ("bit", "holding:40.9", {"type": "BOOL"}, True),
    ("int", "holding:1", {"type": "INT"}, -5),
    ("udint", "holding:2", {"type": "UDINT"}, 4_000_000_000),
    ("real", "holding:4", {"type": "REAL"}, 0.5),
    ("lreal", "holding:6", {"type": "LREAL", "word_order": "LITTLE"}, -2.25),
    ("text", "holding:10", {"type": "STRING", "length": 9}, "ABC\x1d12"),
]


def _device() -> SimDevice:
    bits = SimData(0, count=64, values=False, datatype=DataType.BITS)
    registers = SimData(0, count=64, datatype=DataType.REGISTERS)
    return SimDevice(1, simdata=([bits], [bits], [registers], [registers]))


@asynccontextmanager
async def foreign_server(protocol: str) -> AsyncIterator[int]:
    server = ModbusTcpServer([_device()], framer=FRAMERS[protocol], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    assert server.transport is not None
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def driven(protocol: str, port: int) -> AsyncIterator[tuple[PolledPlc, Told]]:
    config = PlcConfig.parse(
        {"id": "press", "protocol": protocol, "host": "127.0.0.1", "port": port}
    )
    tags = [
        TagBinding.model_validate({"name": name, "plc": "press", "address": address, **more})
        for name, address, more, _ in VALUES
    ]
    tags += [TagBinding(name="far", plc="press", address="holding:900")]
    told = Told()
    plc = build(config, tags, told, Connections(), SystemClock())
    task = SupervisedTask("press", plc, backoff=QUICK)
    task.start()
    try:
        await task.wait_for_state(LinkState.CONNECTED, DEADLINE_S)
        yield plc, told
    finally:
        await task.stop()


@pytest.mark.parametrize("protocol", FRAMERS)
async def test_the_driver_at_a_foreign_server(protocol: str) -> None:
    async with foreign_server(protocol) as port, driven(protocol, port) as (plc, told):
        await told.has("far", None, Quality.BAD)
        for name, _, _, value in VALUES:
            assert (await plc.write(name, value)).value == value
        seen = await plc.read([name for name, *_ in VALUES])
        assert [each.value for each in seen] == [value for *_, value in VALUES]
        with pytest.raises(UpstreamFailed, match="illegal address"):
            await plc.write("far", True)


@pytest.mark.parametrize("framer", ModbusFramer)
async def test_a_foreign_client_at_the_simulator(framer: ModbusFramer) -> None:
    points = [
        {"name": "reject", "address": "coil:3"},
        {"name": "run", "address": "discrete:9", "value": True},
        {"name": "speed", "address": "holding:4", "type": "REAL", "value": 1.5},
        {"name": "count", "address": "input:7", "type": "UINT", "value": 513},
    ]
    config = ModbusSimulatorConfig.model_validate(
        {"framer": framer, "units": [{"number": 5, "points": points}]}
    )
    other = FramerType.SOCKET if framer is ModbusFramer.SOCKET else FramerType.RTU
    async with ModbusSimulator(config) as device:
        client = AsyncModbusTcpClient(
            "127.0.0.1", port=device.port, framer=other, timeout=2, retries=0, reconnect_delay=0
        )
        assert await client.connect()
        try:
            await _talk(client, device)
        finally:
            client.close()


async def _talk(client: AsyncModbusTcpClient, device: ModbusSimulator) -> None:
    changed = device.expect("reject", True)
    assert not (await client.write_coil(3, True, device_id=5)).isError()
    assert (await asyncio.wait_for(changed, DEADLINE_S)).value is True
    assert (await client.read_coils(0, count=10, device_id=5)).bits[:10] == [
        at == 3 for at in range(10)
    ]
    assert (await client.read_discrete_inputs(9, count=1, device_id=5)).bits[0] is True
    assert (await client.read_input_registers(7, count=1, device_id=5)).registers == [513]
    speed = await client.read_holding_registers(4, count=2, device_id=5)
    assert client.convert_from_registers(speed.registers, client.DATATYPE.FLOAT32) == 1.5
    await client.write_registers(4, [0x4020, 0], device_id=5)
    assert device.get("speed") == 2.5
    await client.mask_write_register(address=4, and_mask=0xFF7F, or_mask=0x80, device_id=5)
    assert device.get("speed") == 5.0
    refused = await client.read_holding_registers(250, count=20, device_id=5)
    assert refused.exception_code == 2
