"""What an OPC UA server is reached with."""

from pydantic import BaseModel, ConfigDict


class OpcUaSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
