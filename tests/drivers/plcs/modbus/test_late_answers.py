"""Whatever a device does with its answers, each question gets its own or none."""

import asyncio
import struct
from random import Random

import pytest

from drivers.link import PeerLost
from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.endpoint import ModbusEndpoint
from drivers.plcs.modbus.framing import Message
from drivers.plcs.modbus.pdu import Table
from drivers.plcs.modbus.pool import ModbusPool
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from tests.support.stalls import run_without_stalls

TIMEOUT_S = 0.02
UNITS = (1, 2, 3)
REGISTERS = 64


def held(unit: int, address: int) -> int:
    """Each register of each unit holds something of its own."""
    return unit * 1000 + address


def device(framer: ModbusFramer, random: Random) -> ModbusSimulator:
    units = [{"number": unit, "size": REGISTERS} for unit in UNITS]
    made = ModbusSimulator(ModbusSimulatorConfig.model_validate({"framer": framer, "units": units}))
    for unit in UNITS:
        memory = made.points.memory(unit)
        assert memory is not None
        values = [held(unit, address) for address in range(REGISTERS)]
        memory.put_registers(Table.HOLDING, 0, struct.pack(f">{REGISTERS}H", *values))

    async def misbehave(_: Message) -> None:
        """Up to twice as late as is waited for; what came in the meantime waits its turn."""
        late = random.random() < 0.2
        made.faults.delay_s = random.uniform(0, 2 * TIMEOUT_S) if late else 0.0
        made.faults.noise = framer is ModbusFramer.RTU and random.random() < 0.1

    made.watch(misbehave)
    return made


@pytest.mark.parametrize("framer", ModbusFramer)
@pytest.mark.parametrize("seed", range(2))
def test_each_question_gets_its_own_answer_or_none(framer: ModbusFramer, seed: int) -> None:
    """A serial answer bears no number: that its time is over is all that tells a late one. So this
    holds on a machine that does not stand still for longer than the device is late."""
    run_without_stalls(_asked_and_answered(framer, seed))


async def _asked_and_answered(framer: ModbusFramer, seed: int) -> None:
    random = Random(seed)
    pool, outcomes = ModbusPool(), {"answered": 0, "timed out": 0, "given up": 0}
    async with device(framer, random) as far:
        endpoint = ModbusEndpoint("127.0.0.1", far.port, framer)
        for _ in range(4):
            async with pool.lease(endpoint) as connection:
                link = connection.client()
                for _ in range(30):
                    unit, address = random.choice(UNITS), random.randrange(REGISTERS)
                    await link.settled(unit)
                    question = pdu.read(Table.HOLDING, address, 1)
                    asking = asyncio.create_task(link.ask(unit, question, TIMEOUT_S))
                    if random.random() < 0.1:
                        asyncio.get_running_loop().call_later(TIMEOUT_S / 2, asking.cancel)
                    try:
                        answer = await asking
                    except TimeoutError:
                        outcomes["timed out"] += 1
                    except asyncio.CancelledError:
                        outcomes["given up"] += 1
                    except PeerLost:
                        break
                    else:
                        outcomes["answered"] += 1
                        assert pdu.body(question, answer) == struct.pack(">H", held(unit, address))
    assert outcomes["answered"] > 45
    assert outcomes["timed out"] > 3
