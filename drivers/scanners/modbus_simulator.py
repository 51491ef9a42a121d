"""A scanner that shows its codes in registers: a real Modbus device, alone or one unit of many."""

from pydantic import Field

from drivers.plcs.modbus.framing import Message
from drivers.plcs.modbus.pdu import Table
from drivers.plcs.modbus.simulation import ModbusSimulatorConfig
from drivers.plcs.modbus.simulator import ModbusSimulator
from drivers.scanners.feeder import Feeder
from drivers.scanners.modbus_code import as_registers
from drivers.scanners.modbus_settings import ModbusScanner, register
from drivers.scanners.simulation import Code, Codes, PlayConfig, no_read_of

_COUNTERS = 0x10000


class ModbusScannerSimulatorConfig(PlayConfig):
    """`registers` are as the driver is told of them; the device has to have their unit."""

    registers: ModbusScanner = ModbusScanner()
    device: ModbusSimulatorConfig = ModbusSimulatorConfig()
    first_counter: int = Field(default=0, ge=0, lt=_COUNTERS)


class ModbusScannerSimulator(Feeder):
    """See Feeder; the rest of its faults are those of its `device`. With an acknowledgement it
    waits for that of one code before it shows the next; without, and without a rate, until the
    code has been read. `restart` counts from 0 again. A device that is given is not its own to
    start and close."""

    def __init__(
        self,
        config: ModbusScannerSimulatorConfig,
        codes: Codes = (),
        device: ModbusSimulator | None = None,
    ) -> None:
        super().__init__(config, codes)
        self.device = device or ModbusSimulator(config.device)
        self.counter = config.first_counter
        self._config = config
        self._settings = config.registers
        self._owns_device = device is None
        self._data_read = self._is_taken = True
        memory = self.device.points.memory(self._settings.unit_id)
        if memory is None:
            raise ValueError(f"the device has no unit {self._settings.unit_id}")
        self._memory = memory
        self._show_counter()
        if self._settings.acknowledge_address is not None:
            self._put(self._settings.acknowledge_address, self.counter.to_bytes(2, "big"))

    @property
    def peer_count(self) -> int:
        return self.device.peer_count

    @property
    def acknowledged(self) -> int:
        """The counter in the register for it, where there is one."""
        table, at = register(self._settings.acknowledge_address or self._settings.counter_address)
        return int.from_bytes(self._memory.registers(table, at, 1), "big")

    async def restart(self) -> None:
        self.counter = 0
        self._show_counter()
        await self._notify()

    async def _open(self) -> None:
        self.device.watch(self._on_question)
        if self._owns_device:
            await self.device.start()

    async def _shut(self) -> None:
        if self._owns_device:
            await self.device.close()

    async def _deliver(self, code: Code) -> None:
        """The code stands complete before its counter tells of it."""
        settings = self._settings
        if settings.acknowledge_address is not None:
            await self._until(lambda: self.acknowledged == self.counter)
        elif self.rate is None:
            await self._until(lambda: self._is_taken)
        text = no_read_of(self._config.framing) if code is None else code
        data = text.encode(self._config.framing.encoding)
        self._put(settings.data_address, as_registers(settings, data[: settings.max_length]))
        if settings.length_address is not None:
            self._put(settings.length_address, len(data).to_bytes(2, "big"))
        self.counter = (self.counter + 1) % _COUNTERS
        self._data_read = self._is_taken = False
        self._show_counter()

    async def _on_question(self, asked: Message) -> None:
        """A code has been read when the counter was looked at with it or after it."""
        self._data_read = self._data_read or self._asks_for(asked, self._settings.data_address)
        counter = self._asks_for(asked, self._settings.counter_address)
        self._is_taken = self._is_taken or (self._data_read and counter)
        await self._notify()

    def _asks_for(self, asked: Message, address: str) -> bool:
        table, at = register(address)
        if asked.unit != self._settings.unit_id or asked.pdu[0] != table.read_function:
            return False
        first = int.from_bytes(asked.pdu[1:3], "big")
        return first <= at < first + int.from_bytes(asked.pdu[3:5], "big")

    def _show_counter(self) -> None:
        self._put(self._settings.counter_address, self.counter.to_bytes(2, "big"))

    def _put(self, address: str, data: bytes) -> None:
        table, at = register(address)
        self._memory.put_registers(Table(table), at, data)
