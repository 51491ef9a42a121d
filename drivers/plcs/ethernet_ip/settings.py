"""What an EtherNet/IP controller is reached with."""

from pydantic import BaseModel, ConfigDict, Field


class EthernetIpSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: int = Field(default=0, ge=0, le=31)
