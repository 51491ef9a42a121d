"""What a Modbus controller, or a PROFINET one behind a gateway, is configured with."""

from pydantic import BaseModel, ConfigDict, Field


class ModbusSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    unit_id: int = Field(default=1, ge=0, le=255)
