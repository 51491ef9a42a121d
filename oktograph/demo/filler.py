"""The demo's controller with an OPC UA server: to be dialled at once, there some seconds later."""

import asyncio
import gc
import socket
from collections.abc import Sequence
from typing import Any, Final

from oktograph.demo.places import HOST
from oktograph.simulation.console import ERROR, DeviceConsole
from oktograph.simulation.controllers.opc_ua import (
    OpcUaController,
    opc_ua_address,
    opc_ua_settings,
)
from oktograph.simulation.machine import Machine, words_of
from oktograph.simulation.points import FILLER, binding

# Its library is loaded and its server built while everything else runs already.
PATIENCE_S: Final = 30.0
BACKLOG: Final = 5


class Filler:
    """A `Console`, too. Nobody who dials meanwhile is turned away: he waits for it."""

    def __init__(self, port: int, bottles_per_s: float) -> None:
        """Raises OSError where the port is taken."""
        self.running = True
        self._speed = 60 * bottles_per_s
        self._listener = _listening(port)
        self.port: int = self._listener.getsockname()[1]
        self._machine: Machine | None = None
        self._console: DeviceConsole | None = None

    def plc(self, plc_id: str) -> dict[str, Any]:
        told = opc_ua_settings(HOST, self.port)
        return {"id": plc_id, "name": "Filler", **told, "connectTimeoutS": PATIENCE_S}

    def bindings(self, plc_id: str) -> list[dict[str, Any]]:
        prefix = f"{plc_id}."
        return [binding(point, plc_id, opc_ua_address(point), prefix) for point in FILLER]

    def run_belt(self, running: bool) -> None:
        self.running = running
        if self._machine is not None:
            self._machine.running = running

    async def run(self) -> None:
        """Until it is cancelled."""
        controller = await asyncio.to_thread(
            OpcUaController, FILLER, host=HOST, port=self.port, listener=self._listener
        )
        self._machine = Machine(controller, self._speed)
        self._machine.running = self.running
        async with controller.simulator, self._machine.moving():
            self._console = DeviceConsole(words_of(controller))
            # The server is half a million objects: walked by the collector again and again, they
            # would hold up everything else in this process for a third of a second each time.
            gc.freeze()
            await asyncio.Event().wait()

    def close(self) -> None:
        """Once it no longer runs."""
        self._listener.close()

    def help(self) -> list[str]:
        return [] if self._console is None else self._console.help()

    async def say(self, words: Sequence[str]) -> str:
        if self._console is None:
            return f"{ERROR} it is still starting"
        return await self._console.say(words)


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
