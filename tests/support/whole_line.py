"""A whole line on real sockets: scanners of several roles, a Modbus controller with a reject gate,
and a real edge that runs its plan."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.line.alarms.models import AlarmKind
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from tests.support.codes import milk_codes
from tests.support.edge import Client, Edge, EdgeFolders, running_edge
from tests.support.waiting import until

Json = dict[str, Any]
LINE = "line-001"
POINTS = [
    {"name": "accept", "address": "coil:0"},
    {"name": "reject", "address": "coil:1"},
    {"name": "stop", "address": "coil:2"},
    {"name": "bin", "address": "discrete:0"},
    {"name": "belt", "address": "input:0", "type": "UINT", "value": 65500},
]
TAGS: list[Json] = [
    {"name": "accept", "address": "coil:0"},
    {"name": "reject", "address": "coil:1"},
    {"name": "stop", "address": "coil:2"},
    {"name": "bin", "address": "discrete:0", "access": "READ", "pollIntervalS": 0.01},
    {
        "name": "belt",
        "address": "input:0",
        "type": "UINT",
        "access": "READ",
        "pollIntervalS": 0.01,
    },
]
ALARMS = "{ alarms(first: 50) { edges { node { kind source active message } } } }"


def plc_config(**more: Any) -> ModbusSimulatorConfig:
    unit: Json = {
        "points": POINTS,
        "gates": [{"coil": "reject", "feedback": "bin", "delayS": 0.02, "holdS": 0.04}],
    }
    return ModbusSimulatorConfig.model_validate({"units": [unit | more]})


@dataclass
class WholeLine:
    """`scanners` by the role that each has."""

    edge: Edge
    plc: ModbusSimulator
    scanners: dict[str, ScannerSimulator]
    operator: Client

    async def read(self, role: str, code: str | None) -> None:
        """One reading at the scanner with that role."""
        await self.scanners[role].emit(code)

    async def alarms(self) -> dict[tuple[str, str], Json]:
        found = (await self.operator.ask(ALARMS))["alarms"]["edges"]
        return {(one["node"]["kind"], one["node"]["source"]): one["node"] for one in found}

    async def raises(self, kind: AlarmKind, source: str, *, active: bool = True) -> Json:
        """Waits until it is so."""
        seen: Json = {}

        async def holds() -> bool:
            seen.update((await self.alarms()).get((str(kind), source), {}))
            return seen.get("active") is active

        await until(holds)
        return seen

    async def scans(self, count: int) -> list[Json]:
        """The last ones, once there are so many."""
        document = "{ scans(first: 100) { edges { node { code valid reason scannerIndex } } } }"
        found: list[Json] = []

        async def holds() -> bool:
            edges = (await self.operator.ask(document))["scans"]["edges"]
            found[:] = [edge["node"] for edge in edges]
            return len(found) >= count

        await until(holds)
        return found

    async def bottle(self, code: str) -> Json:
        asked = "query ($c: String!) { bottle(identifier: $c) { status batch { identifier } } }"
        found: Json = (await self.operator.ask(asked, c=code))["bottle"]
        return found

    async def becomes(self, code: str, status: str) -> None:
        async def holds() -> bool:
            found = await self.bottle(code)
            return bool(found) and found["status"] == status

        await until(holds)

    async def connected(self) -> None:
        line = self.edge.runtime.line

        async def holds() -> bool:
            """Every tag that is read has shown something, too."""
            links = [one.connected for one in line.scanners()]
            links += [one.link.connected for one in line.plcs()]
            known = [one.quality == "GOOD" for one in line.tag_values()]
            return all(links) and all(known)

        await until(holds)


def scanner_settings(roles: Sequence[str], ports: Sequence[int]) -> list[Json]:
    return [
        {
            "index": at,
            "name": f"Scanner {role}",
            "role": role,
            "lineId": LINE,
            "host": "127.0.0.1",
            "port": port,
            "replyGood": "G",
            "replyBad": "B",
        }
        for at, (role, port) in enumerate(zip(roles, ports, strict=True))
    ]


@asynccontextmanager
async def whole_line(
    folders: EdgeFolders, folder: Path, roles: Sequence[str], plan: Json, **settings: Any
) -> AsyncIterator[WholeLine]:
    """One scanner for each role; `plan` is of line-001."""
    async with AsyncExitStack() as stack:
        plc = await stack.enter_async_context(ModbusSimulator(plc_config()))
        scanners = {
            role: await stack.enter_async_context(ScannerSimulator(SimulatorConfig(rate=0)))
            for role in roles
        }
        told: Json = {
            "scanners": scanner_settings(roles, [one.port for one in scanners.values()]),
            "plcs": [
                {"id": "plc", "protocol": "MODBUS_TCP", "host": "127.0.0.1", "port": plc.port}
            ],
            "plc_bindings": [tag | {"plc": "plc"} for tag in TAGS],
            "lines": [plan | {"id": LINE}],
            **settings,
        }
        edge = await stack.enter_async_context(
            running_edge(await folders.fresh(folder / "data"), **told)
        )
        line = WholeLine(edge, plc, scanners, await edge.logged_in("operator"))
        await line.connected()
        yield line


def fresh(count: int) -> list[str]:
    return milk_codes(count)
