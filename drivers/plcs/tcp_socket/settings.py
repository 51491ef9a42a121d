"""The words that a controller with a text protocol of its own is spoken to with."""

from drivers.configuration import DeviceModel


class TcpSocketSettings(DeviceModel):
    """Nothing yet."""
