"""Scanners behind device files that are real peers: on a pseudo terminal for a serial line, on a
named pipe for HID."""

import asyncio
import os
from abc import abstractmethod
from pathlib import Path

from drivers.scanners.feeder import StreamFeeder
from drivers.scanners.hid_device import HidProtocol
from drivers.scanners.hid_typing import key_noise, report_noise, reports, typed
from drivers.scanners.nodes import FifoNode, Node, PtyNode
from drivers.scanners.simulation import (
    Code,
    Codes,
    DeviceSimulatorConfig,
    HidSimulatorConfig,
    no_read_of,
)


class DeviceFeeder(StreamFeeder):
    """Plugged in at its path while it runs; see Feeder. `unplug` and `plug` take it out and put
    it back, `cut` and `reset` do both; `abandon` leaves the driver with a device that has nobody
    behind it while a new one stands at the path.
    """

    def __init__(self, config: DeviceSimulatorConfig, codes: Codes = ()) -> None:
        super().__init__(config, codes)
        self.path = Path(config.path)
        self._config = config
        self._node: Node | None = None
        self._abandoned: list[Node] = []

    @property
    def peer_count(self) -> int:
        return int(self._node is not None and self._node.taken)

    async def plug(self) -> None:
        """Does nothing while it is plugged in."""
        if self._node is None:
            node = self._new_node()
            await node.plug()
            self._node = node

    async def unplug(self) -> None:
        """The path is gone before whoever has it open is told."""
        node, self._node = self._node, None
        if node is not None:
            self.path.unlink(missing_ok=True)
            await node.unplug()
        await self._notify()

    async def send_raw(self, data: bytes) -> None:
        if self._node is not None:
            await self._node.send(data)

    async def cut(self) -> None:
        await self.unplug()
        self._spawn(self._replug())

    async def reset(self) -> None:
        await self.cut()

    async def abandon(self) -> None:
        if self._node is not None:
            self._node.deafen()
            self._abandoned.append(self._node)
            self._node = None
        await self.plug()
        await self._notify()

    async def _open(self) -> None:
        _refuse_taken(self.path)
        await self.plug()

    async def _shut(self) -> None:
        await self.unplug()
        abandoned, self._abandoned = self._abandoned, []
        for node in abandoned:
            await node.unplug()

    async def _replug(self) -> None:
        await asyncio.sleep(self._config.replug_s)
        await self.plug()

    @abstractmethod
    def _new_node(self) -> Node: ...


class SerialScannerSimulator(DeviceFeeder):
    """The baud rate, and what else a wire has, mean nothing to a pseudo terminal."""

    def _new_node(self) -> Node:
        return PtyNode(self.path, self._notify, self._answer)


class HidScannerSimulator(DeviceFeeder):
    """Types its codes, or reports them. What the device itself does not do is left out: it sends
    no heartbeats, takes no answers, and its events are never cut."""

    def __init__(self, config: HidSimulatorConfig, codes: Codes = ()) -> None:
        super().__init__(config, codes)
        self._hid = config

    async def noise(self, size: int) -> None:
        """Events and reports that are of no code, about that many bytes."""
        types = self._hid.protocol is HidProtocol.KEYBOARD
        await self.send_raw((key_noise if types else report_noise)(size, self._random))

    def _new_node(self) -> Node:
        return FifoNode(self.path, self._notify, self._answer)

    def _encode(self, code: Code) -> bytes:
        text = no_read_of(self._profile) if code is None else code
        if self._hid.protocol is HidProtocol.KEYBOARD:
            return typed(text, self._hid.end)
        return reports(text.encode(self._profile.encoding), self._hid.aim.encode("ascii"))

    def _packets(self, data: bytes) -> list[bytes]:
        return [data]


def _refuse_taken(path: Path) -> None:
    """Raises FileExistsError rather than take the place of a device."""
    if os.path.lexists(path):
        raise FileExistsError(f"{path} exists already")
