"""What an EtherNet/IP controller is reached with."""

from pydantic import Field

from drivers.configuration import DeviceModel


class EthernetIpSettings(DeviceModel):
    """`slot` of the processor in its chassis. `micro800`: a controller without a chassis, which
    takes messages without a route and one at a time.

    `connection_bytes`: the largest message. Above 504 a controller that declines is asked again
    for 504; one that hangs up instead needs 504 here.
    """

    slot: int = Field(default=0, ge=0, le=31)
    micro800: bool = False
    connection_bytes: int = Field(default=4002, ge=504, le=4002)
