"""The demo's line with its edge, whole, on free ports."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oktograph.demo.line import Demo
from oktograph.edge.runtime import EdgeRuntime
from oktograph.settings import Settings
from oktograph.web.edge import edge_app
from tests.support.clients import Client
from tests.support.edge import Edge
from tests.support.served import serving
from tests.support.waiting import until

Json = dict[str, Any]
LINE = "line-001"
_STATES = """{
  lines { id state reason }
  alarms(first: 50) { edges { node { kind source state active } } }
  tags { name value quality }
  scanners { name role state }
  plcs { id link { connected } }
  printers { index link { connected } }
  ups { power link { connected } }
  gpio { link { connected } leds { name lit } }
}"""


@dataclass
class DemoPlace:
    demo: Demo
    edge: Edge
    operator: Client

    async def tell(self, *words: str) -> str:
        """What a device's console answers."""
        return await self.demo.hardware.console.say(words)

    async def shows(self) -> Json:
        return await self.operator.ask(_STATES)

    async def alarms(self) -> set[str]:
        """Those that are active."""
        edges = (await self.shows())["alarms"]["edges"]
        return {one["node"]["kind"] for one in edges if one["node"]["active"]}

    async def alarming(self, kinds: set[str]) -> None:
        """Waits until just these are active."""

        async def holds() -> bool:
            return await self.alarms() == kinds

        await until(holds)

    async def raises(self, kind: str, *, active: bool = True) -> None:
        async def holds() -> bool:
            return (kind in await self.alarms()) is active

        await until(holds)

    async def stands(self, state: str) -> None:
        async def holds() -> bool:
            [line] = (await self.shows())["lines"]
            return bool(line["state"] == state)

        await until(holds)

    def sent(self) -> int:
        """What its scanners have sent since the start."""
        return sum(scanner.sent_count for scanner in self.demo.hardware.scanners)

    async def scans(self) -> int:
        asked = "{ scans(first: 1) { totalCount } }"
        return int((await self.operator.ask(asked))["scans"]["totalCount"])

    async def scanned(self, count: int) -> None:
        async def holds() -> bool:
            return await self.scans() >= count

        await until(holds)

    async def journal(self, wanted: str) -> str:
        """Waits for an entry that says so."""
        asked = "{ events(first: 100) { edges { node { message } } } }"
        found: list[str] = []

        async def holds() -> bool:
            edges = (await self.operator.ask(asked))["events"]["edges"]
            messages = [one["node"]["message"] for one in edges]
            found[:] = [message for message in messages if wanted in message]
            return bool(found)

        await until(holds)
        return found[0]

    async def connected(self) -> None:
        """All devices, the one that takes a while too."""

        async def holds() -> bool:
            shown = await self.shows()
            several = [one for kind in ("plcs", "printers") for one in shown[kind]]
            alone = [shown[kind] for kind in ("ups", "gpio") if shown[kind]]
            links = [one["link"]["connected"] for one in [*several, *alone]]
            return all([*links, *(one["state"] == "CONNECTED" for one in shown["scanners"])])

        await until(holds, 60)


@asynccontextmanager
async def running_demo(folder: Path, **settings: Any) -> AsyncIterator[DemoPlace]:
    """`folder` is the data directory, with a database or without."""
    given = Settings(_env_file=None, demo=True, data_dir=folder, **settings)
    try:
        async with Demo(given, has_factory=False) as demo:
            told = demo.settings().model_copy(update=demo.edge_settings())
            async with serving(EdgeRuntime(told, demo.fitted), edge_app) as edge:
                await demo.begin_line(edge.runtime)
                yield DemoPlace(demo, edge, await edge.logged_in("operator"))
    finally:
        gc.unfreeze()
