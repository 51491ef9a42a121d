"""What a controller tells by itself: kept in order until it is taken up, and not without end."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from drivers.plcs.tags import TagBinding
from drivers.plcs.tcp_socket.settings import TcpSocketSettings
from drivers.plcs.tcp_socket.templates import template

# Lines that wait for a listener; beyond, the oldest is dropped. The connection is read on all the
# while, for the answer that a listener waits for comes the same way.
MOST_WAITING = 1000


@dataclass(slots=True)
class PushCounters:
    """Since the driver was made. `dropped`: pushes that nobody took up in time; `passed_over`:
    lines that nobody asked for and that tell of no tag."""

    pushes: int = 0
    dropped: int = 0
    passed_over: int = 0

    def by_name(self) -> Mapping[str, int]:
        return asdict(self)


class Pushes:
    def __init__(
        self,
        settings: TcpSocketSettings,
        bindings: Sequence[TagBinding],
        counters: PushCounters,
    ) -> None:
        self.counters = counters
        self._settings = settings
        readable = [binding for binding in bindings if binding.readable]
        self._by_name = {binding.name: binding for binding in readable}
        self._by_address = {binding.address: binding for binding in readable}
        self._waiting: asyncio.Queue[tuple[TagBinding, str]] = asyncio.Queue(MOST_WAITING)

    def take(self, line: str) -> bool:
        """False for a line that tells of no tag that is bound."""
        if self._settings.push is None:
            return False
        found = template(self._settings.push).match(line)
        binding = None if found is None else self._of(found.get("address"), found.get("tag"))
        if binding is None or found is None:
            return False
        if self._waiting.full():
            self._waiting.get_nowait()
            self.counters.dropped += 1
        self.counters.pushes += 1
        self._waiting.put_nowait((binding, found["value"]))
        return True

    async def next(self) -> tuple[TagBinding, str]:
        return await self._waiting.get()

    def _of(self, address: str | None, tag: str | None) -> TagBinding | None:
        if address is not None:
            return self._by_address.get(address)
        return self._by_name.get(tag or "")
