"""What an EtherNet/IP controller is reached with."""

from pydantic import Field

from drivers.configuration import DeviceModel


class EthernetIpSettings(DeviceModel):
    slot: int = Field(default=0, ge=0, le=31)
