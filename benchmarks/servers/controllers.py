"""A simulated controller of each kind, with one output that is written."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any, Final

import uvloop

from benchmarks.machine import pin
from drivers.plcs.ethernet_ip.simulation import EthernetIpSimulatorConfig, SimulatedTag
from drivers.plcs.ethernet_ip.simulator import EthernetIpSimulator
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.plcs.opc_ua.simulation import SimulatedNode, SimulatorConfig
from drivers.plcs.opc_ua.simulator import OpcUaSimulator
from drivers.plcs.tags import TagType
from oktograph.logs import configure_logs

HOST: Final = "127.0.0.1"
OUTPUT: Final = "REJECT"


async def main(options: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        modbus = await stack.enter_async_context(ModbusSimulator(ModbusSimulatorConfig()))
        nodes = (SimulatedNode(name=OUTPUT),)
        opc_ua = await stack.enter_async_context(OpcUaSimulator(SimulatorConfig(nodes=nodes)))
        tags = (SimulatedTag(name=OUTPUT, type=TagType.BOOL),)
        config = EthernetIpSimulatorConfig(tags=tags)
        ethernet_ip = await stack.enter_async_context(EthernetIpSimulator(config))
        said = {
            "MODBUS_TCP": {"port": modbus.port, "address": "coil:0"},
            "OPC_UA": {"port": opc_ua.port, "address": opc_ua.address(OUTPUT)},
            "ETHERNET_IP": {"port": ethernet_ip.port, "address": OUTPUT},
        }
        print(json.dumps(said), flush=True)
        ready = await asyncio.start_server(lambda _, w: w.close(), HOST, options["port"])
        await ready.serve_forever()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    configure_logs("error", "auto")
    pin(given["core"])
    uvloop.run(main(given))
