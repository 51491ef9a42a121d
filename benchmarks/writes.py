"""A confirmed write of one output: through a driver of this project and by the library alone, in
turn, at the same simulated controller in a process of its own."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import uvloop
from asyncua import ua
from asyncua.client.client import Client
from pylogix import PLC
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.figures import Figure, Plan, Progress, median, paired_ratio, percentile
from benchmarks.machine import Child, child
from drivers.connections import Connections
from drivers.link import LinkState
from drivers.plcs.port import PlcPort, parse_bindings, parse_plcs
from drivers.plcs.tags import TagBinding, TagValue
from drivers.registry import plc_declaration
from drivers.supervisor import Supervisor

NAME: Final = "writes"
HOST: Final = "127.0.0.1"
WRITES: Final = 400
WARM_UP: Final = 50
CONNECT_S: Final = 10.0
LABELS: Final = {"MODBUS_TCP": "Modbus", "OPC_UA": "OPC UA", "ETHERNET_IP": "EtherNet/IP"}
Json = dict[str, Any]
Write = Callable[[bool], Awaitable[object]]
Opened = Callable[[Json], Any]


def run(plan: Plan, progress: Progress) -> list[Figure]:
    with child("benchmarks.servers.controllers") as controllers:
        return uvloop.run(_run(plan, progress, controllers))


async def _run(plan: Plan, progress: Progress, controllers: Child) -> list[Figure]:
    figures: list[Figure] = []
    for protocol, label in LABELS.items():
        place = controllers.said[protocol]
        async with AsyncExitStack() as stack:
            library = await stack.enter_async_context(_LIBRARIES[protocol](place))
            driver = await stack.enter_async_context(_driver(protocol, place))
            sides: dict[str, Write] = {"driver": driver, "library": library}
            for write in sides.values():
                await _timed(write, WARM_UP)
            rounds: dict[str, list[list[float]]] = {name: [] for name in sides}
            for turn in range(plan.rounds):
                progress.stage(f"writes, {label} {turn + 1}/{plan.rounds}")
                for name, write in sides.items():
                    rounds[name].append(await _timed(write, plan.amount(WRITES)))
        figures += _figures(label, rounds)
    return figures


async def _timed(write: Write, count: int) -> list[float]:
    """Seconds from asking to its confirmation."""
    taken: list[float] = []
    for number in range(count):
        begun_s = time.perf_counter()
        await write(number % 2 == 0)
        taken.append(time.perf_counter() - begun_s)
    return taken


@asynccontextmanager
async def _driver(protocol: str, place: Json) -> AsyncIterator[Write]:
    """As an edge runs it, under supervision."""
    plcs = parse_plcs([{"id": "plc", "protocol": protocol, "host": HOST, "port": place["port"]}])
    tag = {"name": "out", "plc": "plc", "address": place["address"], "access": "WRITE"}
    supervisor = Supervisor()
    bindings = parse_bindings([tag], plcs)
    await supervisor.apply([plc_declaration(plcs[0], bindings, _unheard, Connections())])
    try:
        task = supervisor.task(plcs[0].key)
        await task.wait_for_state(LinkState.CONNECTED, CONNECT_S)
        driver: PlcPort = task.driver  # type: ignore[assignment]
        yield lambda value: driver.write("out", value)
    finally:
        await supervisor.stop()


async def _unheard(binding: TagBinding, value: TagValue) -> None:
    """Of a tag that is only written there is nothing to hear."""


@asynccontextmanager
async def _pymodbus(place: Json) -> AsyncIterator[Write]:
    client = AsyncModbusTcpClient(HOST, port=place["port"])
    await client.connect()

    async def write(value: bool) -> None:
        answer = await client.write_coil(0, value)
        if answer.isError():
            raise RuntimeError(f"refused: {answer}")

    try:
        yield write
    finally:
        client.close()


@asynccontextmanager
async def _asyncua(place: Json) -> AsyncIterator[Write]:
    async with Client(f"opc.tcp://{HOST}:{place['port']}/line") as client:
        node = client.get_node(place["address"])
        yield lambda value: node.write_value(ua.DataValue(ua.Variant(value)))


@asynccontextmanager
async def _pylogix(place: Json) -> AsyncIterator[Write]:
    """It blocks whoever calls it: here that is nobody else."""
    with PLC(HOST, port=place["port"]) as plc:

        async def write(value: bool) -> None:
            answer = plc.Write(place["address"], value)
            if answer.Status != "Success":
                raise RuntimeError(f"refused: {answer.Status}")

        yield write


_LIBRARIES: Final[Mapping[str, Opened]] = {
    "MODBUS_TCP": _pymodbus,
    "OPC_UA": _asyncua,
    "ETHERNET_IP": _pylogix,
}
_BARE: Final = {"Modbus": "pymodbus", "OPC UA": "asyncua", "EtherNet/IP": "pylogix"}


def _figures(label: str, rounds: dict[str, list[list[float]]]) -> list[Figure]:
    def each(name: str, share: float) -> list[float]:
        return [percentile(found, share) * 1000 for found in rounds[name]]

    library = _BARE[label]
    ratios = {
        share: paired_ratio(each("driver", share), each("library", share)) for share in (0.5, 0.99)
    }
    return [
        Figure(NAME, f"{label}, confirmed write, p50: driver / {library}", ratios[0.5]),
        Figure(NAME, f"{label}, confirmed write, p99: driver / {library}", ratios[0.99]),
        *(
            Figure(NAME, f"{label}: {who}, p{share * 100:.0f}", median(each(name, share)), "ms")
            for name, who in (("driver", "driver"), ("library", library))
            for share in (0.5, 0.99)
        ),
    ]
