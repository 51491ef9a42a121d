"""Questions to a scanner about its registers."""

from dataclasses import dataclass

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.unit import Unit
from drivers.scanners.modbus_code import Span, code, layout, part, word
from drivers.scanners.modbus_settings import ModbusScanner, register

# A code that is read in several requests may be replaced meanwhile, again and again.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """`data` is None for a code that is longer than its registers."""

    counter: int
    data: bytes | None


class Registers:
    """Each question takes a turn; `acknowledge`, for which the scanner waits, one of the first."""

    def __init__(self, settings: ModbusScanner, unit: Unit) -> None:
        self._settings = settings
        self._unit = unit
        self._layout = layout(settings)

    async def counter(self) -> int:
        return word(await self._read(self._layout.counter))

    async def code(self) -> Sight | None:
        """With the counter that it belongs to; None where it changed as often as it was read."""
        if self._layout.whole is not None:
            return await self._code_at_once(self._layout.whole)
        counter = await self.counter()
        for _ in range(TRIES):
            data = await self._code_in_parts()
            before, counter = counter, await self.counter()
            if counter == before:
                return Sight(counter, data)
        return None

    async def acknowledged(self) -> int:
        return word(await self._read(Span(*register(self._acknowledge_address), 1)))

    async def acknowledge(self, counter: int) -> None:
        _, at = register(self._acknowledge_address)
        async with self._unit.turns.first():
            await self._unit.ask(pdu.write_register(at, counter.to_bytes(2, "big")))

    async def _code_at_once(self, whole: Span) -> Sight:
        registers = await self._read(whole)
        own = self._layout
        length = None if own.length is None else word(part(whole, own.length, registers))
        counter = word(part(whole, own.counter, registers))
        return Sight(counter, code(self._settings, part(whole, own.data, registers), length))

    async def _code_in_parts(self) -> bytes | None:
        own = self._layout
        length = None if own.length is None else word(await self._read(own.length))
        return code(self._settings, await self._read(own.data), length)

    async def _read(self, span: Span) -> bytes:
        async with self._unit.turns.taken():
            return await self._unit.ask(pdu.read(span.table, span.first, span.count))

    @property
    def _acknowledge_address(self) -> str:
        return self._settings.acknowledge_address or ""
