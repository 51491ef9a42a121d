"""The words that a controller with a text protocol of its own is spoken to with."""

from pydantic import BaseModel, ConfigDict


class TcpSocketSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
