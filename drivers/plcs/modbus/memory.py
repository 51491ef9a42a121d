"""The memory of a simulated unit, and its answers to questions."""

import struct
from collections.abc import Callable, Mapping

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.pdu import Refusal, Table
from drivers.plcs.modbus.places import value_at, written
from drivers.plcs.modbus.simulation import SimulatedPoint, SimulatedUnit
from drivers.plcs.tags import Scalar

_TABLES = {table.read_function: table for table in Table}


class UnitMemory:
    """Every bit and register of one unit. `answer` is what the unit says to a question."""

    def __init__(self, unit: SimulatedUnit) -> None:
        self._unit = unit
        self._bits = {table: [False] * unit.size for table in Table if table.of_bits}
        self._registers = {t: bytearray(2 * unit.size) for t in Table if not t.of_bits}
        self._places = {point.name: point.place for point in unit.points}
        self._missing = {_address(missing) for missing in unit.missing}
        self._points: Mapping[str, SimulatedPoint] = {p.name: p for p in unit.points}
        self._answers: Mapping[int, Callable[[bytes], bytes]] = {
            **dict.fromkeys(_TABLES, self._read),
            pdu.WRITE_COIL: self._write_coil,
            pdu.WRITE_REGISTER: self._write_register,
            pdu.WRITE_COILS: self._write_coils,
            pdu.WRITE_REGISTERS: self._write_registers,
            pdu.MASK_REGISTER: self._mask_register,
        }
        for point in unit.points:
            if point.value is not None:
                self.put(point.name, point.value)

    def get(self, name: str) -> Scalar:
        """Raises KeyError, TagRefused."""
        place = self._places[name]
        if place.table.of_bits:
            return self._bits[place.table][place.first]
        registers = self._registers[place.table]
        data = bytes(registers[2 * place.first : 2 * place.end])
        return value_at(self._points[name].binding, place, data)

    def put(self, name: str, value: Scalar) -> None:
        """Raises KeyError, ValidationFailed."""
        place = self._places[name]
        if place.table.of_bits:
            self._bits[place.table][place.first] = bool(value)
            return
        here = slice(2 * place.first, 2 * place.end)
        registers = self._registers[place.table]
        registers[here] = written(self._points[name].binding, place, value, bytes(registers[here]))

    def registers(self, table: Table, first: int, count: int) -> bytes:
        """Two bytes each, as they stand on the wire."""
        return bytes(self._registers[table][2 * first : 2 * (first + count)])

    def put_registers(self, table: Table, first: int, data: bytes) -> None:
        """As `registers` gives them."""
        self._registers[table][2 * first : 2 * first + len(data)] = data

    def named_in(self, question: bytes) -> set[str]:
        """The points that the answer to a sound question tells of, in whole or in part."""
        if question[0] not in _TABLES:
            return set()
        function, first, count = struct.unpack(">BHH", question)
        table, end = _TABLES[function], first + count
        places = self._places.items()
        return {
            name for name, at in places if at.table is table and at.first < end and first < at.end
        }

    def answer(self, question: bytes) -> bytes:
        function = question[0]
        try:
            if function in self._unit.unknown_functions or function not in self._answers:
                raise Refusal(pdu.ILLEGAL_FUNCTION)
            return self._answers[function](question)
        except Refusal as refusal:
            return bytes((function | 0x80, refusal.code))
        except (struct.error, IndexError):
            return bytes((function | 0x80, pdu.ILLEGAL_VALUE))

    def _read(self, question: bytes) -> bytes:
        function, first, count = struct.unpack(">BHH", question)
        table = _TABLES[function]
        most = pdu.MAX_READ_BITS if table.of_bits else pdu.MAX_READ_REGISTERS
        if not 1 <= count <= most:
            raise Refusal(pdu.ILLEGAL_VALUE)
        self._refuse_missing(table, first, count)
        if table.of_bits:
            data = pdu.packed_bits(self._bits[table][first : first + count])
        else:
            data = self.registers(table, first, count)
        return bytes((function, len(data))) + data

    def _write_coil(self, question: bytes) -> bytes:
        _, address, value = struct.unpack(">BHH", question)
        if value not in (0, 0xFF00):
            raise Refusal(pdu.ILLEGAL_VALUE)
        self._refuse_missing(Table.COIL, address, 1)
        self._bits[Table.COIL][address] = value == 0xFF00
        return question

    def _write_coils(self, question: bytes) -> bytes:
        _, first, count, size = struct.unpack_from(">BHHB", question)
        data = question[6:]
        if not 1 <= count <= 0x7B0 or len(data) != size or size != (count + 7) // 8:
            raise Refusal(pdu.ILLEGAL_VALUE)
        self._refuse_missing(Table.COIL, first, count)
        self._bits[Table.COIL][first : first + count] = pdu.bits(data, count)
        return question[:5]

    def _write_register(self, question: bytes) -> bytes:
        _, address, value = struct.unpack(">BH2s", question)
        self._refuse_missing(Table.HOLDING, address, 1)
        self._registers[Table.HOLDING][2 * address : 2 * address + 2] = value
        return question

    def _write_registers(self, question: bytes) -> bytes:
        _, first, count, size = struct.unpack_from(">BHHB", question)
        data = question[6:]
        if not 1 <= count <= pdu.MAX_WRITE_REGISTERS or len(data) != size or size != 2 * count:
            raise Refusal(pdu.ILLEGAL_VALUE)
        self._refuse_missing(Table.HOLDING, first, count)
        self._registers[Table.HOLDING][2 * first : 2 * (first + count)] = data
        return question[:5]

    def _mask_register(self, question: bytes) -> bytes:
        _, address, keep, put = struct.unpack(">BHHH", question)
        self._refuse_missing(Table.HOLDING, address, 1)
        registers = self._registers[Table.HOLDING]
        (word,) = struct.unpack_from(">H", registers, 2 * address)
        struct.pack_into(">H", registers, 2 * address, word & keep | put & ~keep & 0xFFFF)
        return question

    def _refuse_missing(self, table: Table, first: int, count: int) -> None:
        wanted = range(first, first + count)
        gone = any((table, at) in self._missing for at in wanted) if self._missing else False
        if gone or wanted.stop > self._unit.size:
            raise Refusal(pdu.ILLEGAL_ADDRESS)


def _address(text: str) -> tuple[Table, int]:
    table, _, at = text.partition(":")
    return Table(table), int(at)
