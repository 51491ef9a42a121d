"""Where a scanner that is read over Modbus keeps its codes."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from drivers.configuration import DeviceModel
from drivers.plcs.modbus.pdu import MAX_READ_REGISTERS, Table
from drivers.plcs.modbus.reach import RTU_UNITS
from drivers.plcs.modbus.settings import ModbusFramer, RtuPort
from drivers.plcs.tags import Order

RegisterAddress = Annotated[str, Field(pattern=r"^(input|holding):[0-9]{1,5}$")]
HoldingAddress = Annotated[str, Field(pattern=r"^holding:[0-9]{1,5}$")]


class ModbusScanner(DeviceModel):
    """`counter_address` is a register that counts the codes, from 65535 on to 0; the scanner
    changes it when the code stands complete from `data_address` on, two characters to a register,
    `byte_order` BIG where the first is the high byte. `length_address` holds how many; without one
    a code ends at `max_length` or a NUL. Into `acknowledge_address` goes the counter of each code
    that has been handled, for scanners that wait for it. `serial` instead of the scanner's host.
    """

    unit_id: int = Field(default=1, ge=0, le=255)
    framer: ModbusFramer = ModbusFramer.SOCKET
    serial: RtuPort | None = None
    counter_address: RegisterAddress = "holding:0"
    length_address: RegisterAddress | None = "holding:1"
    data_address: RegisterAddress = "holding:2"
    max_length: int = Field(default=120, ge=1, le=2 * MAX_READ_REGISTERS)
    byte_order: Order = Order.BIG
    acknowledge_address: HoldingAddress | None = None
    poll_interval_s: float = Field(default=0.02, ge=0.005, le=10)
    timeout_s: float = Field(default=1.0, gt=0, le=60)
    retries: int = Field(default=1, ge=0, le=5)

    @model_validator(mode="after")
    def _answers_on_its_line(self) -> Self:
        rtu = self.serial is not None or self.framer is ModbusFramer.RTU
        if rtu and self.unit_id not in RTU_UNITS:
            raise ValueError("unit_id: from 1 to 247 on a serial line")
        return self

    @model_validator(mode="after")
    def _fits_the_registers(self) -> Self:
        if register(self.data_address)[1] + self.data_registers > 65536:
            raise ValueError("max_length: goes beyond the last register")
        for name in ("counter_address", "length_address", "acknowledge_address"):
            address = getattr(self, name)
            if address is not None and register(address)[1] > 65535:
                raise ValueError(f"{name}: goes beyond the last register")
        return self

    @property
    def data_registers(self) -> int:
        return (self.max_length + 1) // 2


def register(address: str) -> tuple[Table, int]:
    table, _, at = address.partition(":")
    return Table(table), int(at)
