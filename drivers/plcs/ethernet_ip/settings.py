"""What an EtherNet/IP controller is reached with."""

from pydantic import Field

from drivers.configuration import DeviceModel


class EthernetIpSettings(DeviceModel):
    """`slot` of the processor in its chassis. `micro800`: a controller without a chassis, which
    takes messages without a route and one at a time."""

    slot: int = Field(default=0, ge=0, le=31)
    micro800: bool = False
