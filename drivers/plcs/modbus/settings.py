"""What a Modbus controller, or a PROFINET one behind a gateway, is configured with."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from drivers.configuration import DeviceModel
from drivers.plcs.modbus.pdu import MAX_READ_BITS, MAX_READ_REGISTERS
from drivers.plcs.tags import Order
from drivers.serial_port import SerialPort

# What one PROFINET device may exchange in a cycle, in each direction.
MAX_GATEWAY_BYTES = 1440


class ModbusFramer(StrEnum):
    """How messages stand on the wire: with the header of Modbus TCP, or as on a serial line."""

    SOCKET = "SOCKET"
    RTU = "RTU"


class InputTable(StrEnum):
    """Which registers a gateway shows the inputs as."""

    INPUT = "input"
    HOLDING = "holding"


def _carries_rtu(port: SerialPort) -> SerialPort:
    if port.bytesize != 8:
        raise ValueError("bytesize: 8 for Modbus RTU")
    if port.xonxoff:
        raise ValueError("xonxoff: not for Modbus RTU, whose bytes may be any")
    return port


RtuPort = Annotated[SerialPort, AfterValidator(_carries_rtu)]


class GatewaySettings(DeviceModel):
    """Where a gateway shows the bytes that it exchanges with a PROFINET controller: from the
    controller as inputs, to it as outputs. Bases are registers, sizes are bytes.

    `byte_order` BIG: the byte with the even address is the high one of its register.
    """

    input_base: int = Field(default=0, ge=0, le=65535)
    input_size: int = Field(default=0, ge=0, le=MAX_GATEWAY_BYTES)
    input_table: InputTable = InputTable.HOLDING
    output_base: int = Field(default=0, ge=0, le=65535)
    output_size: int = Field(default=0, ge=0, le=MAX_GATEWAY_BYTES)
    byte_order: Order = Order.BIG

    @model_validator(mode="after")
    def _fits_the_registers(self) -> Self:
        if self.input_base + (self.input_size + 1) // 2 > 65536:
            raise ValueError("input_size: goes beyond the last register")
        if self.output_base + (self.output_size + 1) // 2 > 65536:
            raise ValueError("output_size: goes beyond the last register")
        return self


class ModbusSettings(DeviceModel):
    """`framer` is the protocol's own where none is given; RTU over TCP is for serial servers.
    `serial`, for MODBUS_RTU: the port that the unit is on, instead of a host.

    Tags with up to `max_gap` registers (or 16 times as many bits) between them are read in one
    request, of at most `max_registers` or `max_bits`. `retries`: how often a question is asked
    again when the unit is busy or its gateway had no answer.
    """

    unit_id: int = Field(default=1, ge=0, le=255)
    framer: ModbusFramer | None = None
    serial: RtuPort | None = None
    gateway: GatewaySettings = GatewaySettings()
    max_gap: int = Field(default=8, ge=0, le=MAX_READ_REGISTERS)
    max_registers: int = Field(default=MAX_READ_REGISTERS, ge=1, le=MAX_READ_REGISTERS)
    max_bits: int = Field(default=MAX_READ_BITS, ge=1, le=MAX_READ_BITS)
    retries: int = Field(default=1, ge=0, le=5)
