"""What a simulated Modbus device is declared with."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from drivers.configuration import DeviceModel
from drivers.plcs.modbus.places import Place, place_of
from drivers.plcs.modbus.settings import ModbusFramer
from drivers.plcs.passing import UNSEEN_S
from drivers.plcs.tags import Order, Scalar, TagAccess, TagBinding, TagName, TagType

Missing = Annotated[str, Field(pattern=r"^(coil|discrete|input|holding):[0-9]{1,5}$")]


class SimulatedPoint(DeviceModel):
    """A named value of the unit, at an address as tags have it."""

    name: TagName
    address: Annotated[str, Field(min_length=1, max_length=64)]
    type: TagType = TagType.BOOL
    length: int | None = Field(default=None, ge=1, le=240)
    word_order: Order = Order.BIG
    byte_order: Order = Order.BIG
    value: Scalar | None = None

    @property
    def binding(self) -> TagBinding:
        given = self.model_dump(exclude={"value"})
        return TagBinding(plc="simulator", access=TagAccess.READ, **given)

    @property
    def place(self) -> Place:
        """Raises ValidationFailed."""
        return place_of(self.binding, None)


class SimulatedEncoder(DeviceModel):
    """Counts up at a number's point, from 0 again past what its type holds."""

    point: str
    pulses_per_s: float = Field(default=1000.0, ge=0, le=1_000_000)


class SimulatedGate(DeviceModel):
    """A reject gate: when its coil turns on it moves, and the sensor behind it sees the bottle go
    by after `delay_s`, for `hold_s` and until a client has read so, `unseen_s` more at most."""

    coil: str
    feedback: str | None = None
    delay_s: float = Field(default=0.02, ge=0, le=60)
    hold_s: float = Field(default=0.05, gt=0, le=60)
    unseen_s: float = Field(default=UNSEEN_S, ge=0, le=3600)


class SimulatedUnit(DeviceModel):
    """Each table has the addresses from 0 to `size`, but those in `missing` (`holding:17`).
    `unknown_functions` are refused, as by simple devices."""

    number: int = Field(default=1, ge=0, le=255)
    size: int = Field(default=256, ge=1, le=65536)
    points: tuple[SimulatedPoint, ...] = ()
    encoders: tuple[SimulatedEncoder, ...] = ()
    gates: tuple[SimulatedGate, ...] = ()
    missing: frozenset[Missing] = frozenset()
    unknown_functions: frozenset[int] = frozenset()

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [point.name for point in self.points]
        used = [encoder.point for encoder in self.encoders]
        for gate in self.gates:
            used += [gate.coil] if gate.feedback is None else [gate.coil, gate.feedback]
        if unknown := sorted({*used} - {*names}):
            raise ValueError(f"no point is named {unknown[0]}")
        if len({*names}) != len(names):
            raise ValueError("points: a name is used twice")
        return self


class ModbusSimulatorConfig(DeviceModel):
    """With `device` a serial line, a pty that stands at this path, on which RTU is spoken; else a
    port, 0 for any free one. Point names are unique over all units."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    port: int = Field(default=0, ge=0, le=65535)
    framer: ModbusFramer = ModbusFramer.SOCKET
    device: Path | None = None
    units: tuple[SimulatedUnit, ...] = (SimulatedUnit(),)

    @property
    def spoken(self) -> ModbusFramer:
        return ModbusFramer.RTU if self.device is not None else self.framer

    @model_validator(mode="after")
    def _units_are_apart(self) -> Self:
        numbers = [unit.number for unit in self.units]
        names = [point.name for unit in self.units for point in unit.points]
        if len({*numbers}) != len(numbers):
            raise ValueError("units: a number is used twice")
        if len({*names}) != len(names):
            raise ValueError("units: a point's name is used twice")
        return self
