"""Controllers with a text protocol as peers: of the PLC suite, and of tests that need more."""

from typing import Any

from drivers.plcs.tags import Scalar
from drivers.plcs.tcp_socket.driver import build
from drivers.plcs.tcp_socket.simulation import SimulatorConfig
from drivers.plcs.tcp_socket.simulator import TcpSocketSimulator
from tests.support.plcs import FIRST, TAGS, PlcPeer

ADDRESSES = {name: f"D{100 + at}" for at, name in enumerate(TAGS)}


def points() -> list[dict[str, Any]]:
    """TAGS but `missing`, each raw: `setpoint` is an INT of half units."""
    values = {**FIRST, "setpoint": 0, "stop": False}
    return [
        {
            "address": ADDRESSES[name],
            "type": TAGS[name]["type"],
            "value": value,
            "writable": TAGS[name].get("access") != "READ",
        }
        for name, value in values.items()
    ]


class TcpSocketPeer(PlcPeer):
    """`words` are settings of both sides."""

    name = "tcp-socket"
    build = staticmethod(build)
    addresses = ADDRESSES

    def __init__(self, **words: Any) -> None:
        self.words = words
        tags = {address: name for name, address in ADDRESSES.items()}
        config = {"settings": words, "points": points(), "tags": tags}
        self.simulator = TcpSocketSimulator(SimulatorConfig.model_validate(config))

    async def start(self) -> None:
        await self.simulator.start()

    async def close(self) -> None:
        await self.simulator.close()

    @property
    def settings(self) -> dict[str, Any]:
        where = {"host": "127.0.0.1", "port": self.simulator.port}
        return {"protocol": "TCP_SOCKET", **where, "tcp_socket": self.words}

    @property
    def calls(self) -> int:
        return self.simulator.relay.opened_count

    async def put(self, name: str, value: Scalar) -> None:
        await self.simulator.set(ADDRESSES[name], value)

    async def get(self, name: str) -> Scalar:
        return self.simulator.value(ADDRESSES[name])

    def stall(self) -> None:
        self.simulator.relay.stall()

    def resume(self) -> None:
        self.simulator.relay.resume()

    def slow(self, delay_s: float) -> None:
        self.simulator.relay.delay_s = delay_s

    def garble(self, on: bool) -> None:
        self.simulator.relay.garbles = on

    async def cut(self) -> None:
        self.simulator.relay.cut()

    async def abandon(self) -> None:
        self.simulator.relay.abandon()

    async def refuse(self) -> None:
        self.simulator.relay.refuses = True

    async def accept(self) -> None:
        self.simulator.relay.refuses = False

    async def flood(self, size: int) -> None:
        await self.simulator.relay.flood(size)


def tcp_socket() -> PlcPeer:
    return TcpSocketPeer()
