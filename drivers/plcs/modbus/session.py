"""One unit's tags."""

from collections.abc import Mapping, Sequence

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.blocks import blocks, span
from drivers.plcs.modbus.pdu import Request, Table
from drivers.plcs.modbus.places import Place, value_at, written
from drivers.plcs.modbus.settings import ModbusSettings
from drivers.plcs.modbus.unit import Unit, UnitRefused
from drivers.plcs.tags import Scalar, TagBinding, TagInfo, TagRefused
from drivers.turns import Turns


class ModbusSession:
    """The TagSession of one unit. What the unit has refused once (a gap in a block, a function)
    is not tried again for as long as the session lasts."""

    def __init__(self, unit: Unit, places: Mapping[str, Place], settings: ModbusSettings) -> None:
        self._unit = unit
        self._places = places
        self._settings = settings
        self._unbridged: set[str] = set()
        self._unknown_functions: set[int] = set()

    @property
    def peer(self) -> str:
        return self._unit.peer

    @property
    def turns(self) -> Turns:
        return self._unit.turns

    def requests(self, bindings: Sequence[TagBinding]) -> Sequence[Sequence[TagBinding]]:
        return blocks(bindings, self._places, self._settings, self._unbridged)

    async def probe(self) -> None:
        """Asks for a tag, or for the first register where none is bound."""
        place = next(iter(self._places.values()), Place(Table.HOLDING, 0))
        try:
            await self._unit.ask(pdu.read(place.table, place.first, 1))
        except UnitRefused:
            return

    async def read(self, bindings: Sequence[TagBinding]) -> Sequence[Scalar | TagRefused]:
        places = [self._places[binding.name] for binding in bindings]
        first, count = span(places)
        table = places[0].table
        try:
            data = await self._unit.ask(pdu.read(table, first, count))
        except UnitRefused:
            self._unbridged.update(binding.name for binding in bindings)
            raise
        if table.of_bits:
            seen = pdu.bits(data, count)
            return [seen[place.first - first] for place in places]
        return [
            _value(b, p, data[2 * (p.first - first) :])
            for b, p in zip(bindings, places, strict=True)
        ]

    async def write(self, binding: TagBinding, value: Scalar) -> None:
        place = self._places[binding.name]
        if place.table.of_bits:
            on = bool(value)
            coil = pdu.write_coil(place.first, on)
            await self._either(coil, pdu.write_coils(place.first, [on]))
        elif place.bit is None or not await self._masked(place, bool(value)):
            await self._write_registers(binding, place, value)

    async def browse(self) -> Sequence[TagInfo]:
        """A unit cannot tell what it has."""
        return ()

    async def until_lost(self) -> None:
        await self._unit.until_lost()

    async def _write_registers(self, binding: TagBinding, place: Place, value: Scalar) -> None:
        """Together with what else is in the same registers, as it is at present; nobody else can
        write in between over this connection, the controller itself can."""
        present = None
        if not place.alone:
            present = await self._unit.ask(pdu.read(place.table, place.first, place.count))
        data = written(binding, place, value, present)
        many = pdu.write_registers(place.first, data)
        await self._either(
            pdu.write_register(place.first, data) if place.count == 1 else many, many
        )

    async def _masked(self, place: Place, on: bool) -> bool:
        """Changes the bit within the unit, where it knows how to."""
        request = pdu.mask_register(place.first, place.bit_of_word, on)
        return await self._known(request)

    async def _either(self, request: Request, other: Request) -> None:
        """Some units know the function for one value only, some the one for several."""
        if not await self._known(request):
            await self._unit.ask(other)

    async def _known(self, request: Request) -> bool:
        """False where the unit does not know the function, and then did nothing."""
        if request.function in self._unknown_functions:
            return False
        try:
            await self._unit.ask(request)
        except UnitRefused as refused:
            if refused.code != pdu.ILLEGAL_FUNCTION:
                raise
            self._unknown_functions.add(request.function)
            return False
        return True


def _value(binding: TagBinding, place: Place, registers: bytes) -> Scalar | TagRefused:
    try:
        return value_at(binding, place, registers[: 2 * place.count])
    except TagRefused as refused:
        return refused
