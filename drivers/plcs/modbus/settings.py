"""What a Modbus controller, or a PROFINET one behind a gateway, is configured with."""

from pydantic import Field

from drivers.configuration import DeviceModel


class ModbusSettings(DeviceModel):
    unit_id: int = Field(default=1, ge=0, le=255)
