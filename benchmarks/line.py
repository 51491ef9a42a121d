"""A simulated line: ten scanners, a controller with a reject gate for each, and the edge on it.

The peers live in this process, the edge has one of its own, so that what is timed is timed where
the line would see it."""

import asyncio
import json
import string
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from random import Random
from typing import Any, Final, Self

from benchmarks.edge import Edge, running_edge
from benchmarks.factory import data_of
from benchmarks.http_load import load
from domain.production.codes import ProfileCatalogue, generate_code
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.scanners.simulation import Codes, SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator

HOST: Final = "127.0.0.1"
LINE: Final = "line-1"
SCANNERS: Final = 10
PULSE_MS: Final = 20
GOOD: Final = b"G"
BAD: Final = b"B"
CONNECT_S: Final = 20.0
LOOK_EVERY_S: Final = 0.05
_UNREADABLE: Final = 20
_DIGITS: Final = string.digits + string.ascii_letters
_STRIDE: Final = 22_801_763_489
"""A prime: serials are all over the unique key, and none comes twice."""
LINKS: Final = "{ scanners { connected } plcs { link { connected } } }"
Json = dict[str, Any]


def gate(scanner: int) -> str:
    """The coil's name, and the tag's."""
    return f"reject-{scanner}"


def fresh_codes(scanner: int) -> Iterator[str]:
    """Valid ones of a product of its own, each once, without end."""
    random, milk = Random(scanner), ProfileCatalogue().profile("milk")
    gtin = generate_code(milk, random)[2:16]
    for number in count():
        yield generate_code(milk, random, gtin, _serial(number))


def cut_short(code: str) -> str:
    """As it comes from a torn label."""
    return code[:_UNREADABLE]


class SimulatedLine:
    """Use as `async with`. Each scanner plays its own of the `codes` at that rate a second, or as
    fast as they can be had; without any it sends what it is told to."""

    def __init__(self, codes: Sequence[Codes] = (), rate: float | None = None) -> None:
        self.plc = ModbusSimulator(_controller())
        played = codes or [()] * SCANNERS
        self.scanners = [ScannerSimulator(SimulatorConfig(rate=rate), one) for one in played]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.plc)
        for scanner in self.scanners:
            await self._stack.enter_async_context(scanner)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def ports(self) -> list[int]:
        return [scanner.port for scanner in self.scanners]

    def settings(self) -> Json:
        """Of an edge for this line: who reads what was read before, or nothing that can be, opens
        the gate of its scanner."""
        plc = {"id": "plc", "protocol": "MODBUS_TCP", "host": HOST, "port": self.plc.port}
        rejects = {at: {"tag": gate(at), "pulseMs": PULSE_MS} for at in range(SCANNERS)}
        stations = [{"scanner": at, "reject": reject} for at, reject in rejects.items()]
        return {
            "scanners": self.scanner_settings(),
            "plcs": [plc],
            "plc_bindings": [tag | {"plc": "plc"} for tag in _tags()],
            "lines": [{"id": LINE, "stations": stations}],
        }

    def scanner_settings(self) -> list[Json]:
        return [
            {
                "index": at,
                "name": f"Scanner {at}",
                "lineId": LINE,
                "host": HOST,
                "port": port,
                "replyGood": GOOD.decode(),
                "replyBad": BAD.decode(),
            }
            for at, port in enumerate(self.ports)
        ]


@asynccontextmanager
async def edge_on(line: SimulatedLine) -> AsyncIterator[Edge]:
    """Everything is connected."""
    running = running_edge(**line.settings())
    # The peers must answer while it starts and while it ends.
    edge = await asyncio.to_thread(running.__enter__)
    try:
        await _connected(edge)
        yield edge
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def ask(edge: Edge, request: bytes) -> Any:
    """One request's decoded answer, beside whatever else this loop does."""
    return json.loads((await load(edge.port, [request], 1)).bodies[0])


async def _connected(edge: Edge) -> None:
    async with asyncio.timeout(CONNECT_S):
        # Asked as whoever stands at the line would: a page that is loaded again and again.
        while not _all_up(data_of(await ask(edge, edge.graphql(LINKS)))):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)


def _all_up(links: Json) -> bool:
    up = [one["connected"] for one in links["scanners"]]
    return all(up + [one["link"]["connected"] for one in links["plcs"]])


def _controller() -> ModbusSimulatorConfig:
    points: list[Json] = [{"name": gate(at), "address": f"coil:{at}"} for at in range(SCANNERS)]
    points.append({"name": "bin", "address": "discrete:0"})
    points.append({"name": "belt", "address": "input:0", "type": "UINT"})
    encoders = [{"point": "belt", "pulses_per_s": 1000.0}]
    return ModbusSimulatorConfig.model_validate(
        {"units": [{"points": points, "encoders": encoders}]}
    )


def _tags() -> list[Json]:
    """A sensor and an encoder are looked at a hundred times a second, as by a line that has such
    a gate: a reject meets those questions on the controller's one connection."""
    often: Json = {"access": "READ", "pollIntervalS": 0.01}
    return [
        *({"name": gate(at), "address": f"coil:{at}"} for at in range(SCANNERS)),
        {"name": "bin", "address": "discrete:0", **often},
        {"name": "belt", "address": "input:0", "type": "UINT", **often},
    ]


def _serial(number: int) -> str:
    """Six characters, different for different numbers below 62^6."""
    left, found = number * _STRIDE % 62**6, ""
    for _ in range(6):
        left, digit = divmod(left, 62)
        found += _DIGITS[digit]
    return found
